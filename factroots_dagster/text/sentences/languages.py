"""What each language does at the end of a sentence. Add a language here, one entry of LANGUAGES.

The abbreviations are an editor's choice of what encyclopedias write, from the languages' common dictionaries;
a list need not be complete to be useful.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

DEFAULT_TERMINATORS = ".!?…‼⁇⁈⁉"
"""Marks that end sentences but have other uses, in most languages."""


@dataclass(frozen=True)
class Conventions:
    """How one language writes sentences. Words are separated by spaces.

    Abbreviations are lower case, without their full stop. Single letters are initials and need not be listed.

    titles: abbreviations that stand before a name and never end a sentence.
    abbreviations: those that may end a sentence: the next word decides.
    before_numbers: words that are abbreviated only before a number.
    first_words: those that begin sentences and do not follow an abbreviation in the middle of one.
    terminators: marks that end a sentence if a space follows. Greek adds its question mark, Armenian the
        colon that is often typed for its full stop.
    ordinals_with_full_stop: whether ordinal numbers are written with a full stop.
    syllable_initials: whether an initial may be one Indic syllable. Only for languages that have no verb of
        one syllable.
    initial_letters: the only letters that are used as initials; empty: all.
    """

    titles: str = ""
    abbreviations: str = ""
    before_numbers: str = ""
    first_words: str = ""
    terminators: str = DEFAULT_TERMINATORS
    ordinals_with_full_stop: bool = False
    syllable_initials: bool = False
    initial_letters: str = ""


EVERY_LANGUAGE = Conventions(
    titles="mr mrs ms dr prof st mgr ph",
    abbreviations="jr sr vs inc ltd corp co bros ca cf al approx ed eds rev",
    before_numbers="no nr vol vols p pp fig figs art vers",
)
"""Holds in every language, in addition to its own conventions."""

LANGUAGES = {
    "af": Conventions(
        titles="mnr mev ds",
        abbreviations="bv ens nl asb",
        before_numbers="nr bl",
        first_words="Die Hy Sy Dit In Daar Na Op Met Hierdie Sedert",
    ),
    "ar": Conventions(
        titles="د أ م", before_numbers="ص", first_words="وكان كان كما في وفي ولد تم وقد هو هي وهو وهي ثم"
    ),
    "az": Conventions(titles="dr prof akad", before_numbers="səh"),
    "be": Conventions(
        titles="св вул праф акад дац пл прасп ген",
        abbreviations="ім в г гл тыс руб выд англ лат рус укр ням фр нар напр кв кг гг стст",
        before_numbers="мал табл ст ч кн вып",
        first_words="Ён Яна Яно Яны У На Па Пасля З Да Гэта Яго Яе За Пры Для Ад Таксама Быў Была Было "
        "Нарадзіўся",
    ),
    "bg": Conventions(
        titles="св ул проф акад доц бул пл инж ген полк",
        abbreviations="вж напр хил млн млрд изд англ лат гръц рус нем фр род ок кв пр тн обл общ",
        before_numbers="фиг табл стр гл",
        first_words="Той Тя То Те В На По След С От През Това Този Тази Неговата За При До Също Роден Според",
    ),
    "bn": Conventions(
        titles="ড ডা মো মোঃ প্রো এম এস এন এল এফ এইচ আর এ বি কে জে",
        abbreviations="খ্রি খ্রিঃ কি মি ইং",
        before_numbers="পৃ নং",
        syllable_initials=True,
    ),
    "ca": Conventions(
        titles="sra dra",
        abbreviations="aprox av pàg pàgs cia segle",
        before_numbers="núm art cap",
        first_words="El La Els Les En Al És Fou Va Un Una Per Amb Després Des Aquest Aquesta Segons Durant "
        "Ell Ella També L",
    ),
    "cs": Conventions(
        titles="sv ing mudr judr gen pplk por ul nám mgr bc",
        abbreviations="tj tzv tzn např popř resp aj př kr čs č angl něm lat řec fr roz zem tis okr stol mil "
        "mld",
        before_numbers="s č str sv",
        first_words="V Na Po Od Je Byl Byla Bylo Jeho Její Do Z Ve Tento Tato To Podle Za Při Roku S",
        ordinals_with_full_stop=True,
    ),
    "cy": Conventions(titles="parch", before_numbers="rhif", first_words="Mae Roedd Yn Y Yr Bu Cafodd Ar"),
    "da": Conventions(
        titles="hr fr skt",
        abbreviations="bl ca dvs kl mv eks inkl ekskl resp jf fx mio mia",
        before_numbers="nr kap s",
        first_words="Den Det De Han Hun I Efter På En Et Under Da Fra Som Ved Denne Dette Siden Der",
        ordinals_with_full_stop=True,
    ),
    "de": Conventions(
        titles="hl frhr gebr fam ing dipl frl univ",
        abbreviations="bzw bspw usw usf evtl ggf ggfs vgl geb gest str tel abb bd bde sog inkl zzgl ehem "
        "eigtl insb jh jhd jhdt hrsg aufl urspr verh östl westl nördl südl chr lat griech engl frz ital rd "
        "zt österr schweiz dt jan feb febr aug sept okt nov dez tsd mio mrd",
        before_numbers="s z abs kap nrn",
        first_words="Der Die Das Er Sie Es Im In Am Ein Eine Nach Seit Bei Mit Als Auf Für Diese Dieser "
        "Dieses Danach Dort Auch Sein Seine Ihre Zu Ab An Aus Durch Während Nachdem Dabei Damit Heute "
        "Zwischen Man Wenn Zum Zur",
        ordinals_with_full_stop=True,
    ),
    "el": Conventions(
        titles="κ κα κος αγ καθ στρ πρωθ λεωφ οδ",
        abbreviations="βλ πχ μχ δηλ λχ χλμ εκ δισ εκατ χιλ περ αι ελλ αγγλ λατ γαλλ γερμ τηλ σμ εκδ μτφ "
        "επιμ π",
        before_numbers="σελ αρ τόμ κεφ",
        first_words="Ο Η Το Οι Τα Στις Στη Στην Στο Στον Την Τον Του Της Μετά Από Με Για Σε Κατά Ήταν Έτσι "
        "Είναι Αυτός Αυτή Αυτό Όμως Επίσης Όταν Ως Σύμφωνα Έχει Υπάρχουν",
        terminators=DEFAULT_TERMINATORS + ";\u037e",
    ),
    "en": Conventions(
        titles="messrs rev gen col lt sgt capt cmdr cpt maj brig adm gov sen rep hon pres mt supt fr gens "
        "revs",
        abbreviations="ft dept univ est assn esq resp incl excl viz lit trans repr ed eds ave blvd ext dist",
        before_numbers="nos op ch chap sec jan feb mar apr jun jul aug sep sept oct nov dec ser",
        first_words="The In He She It This They His Her Its An At On After When While But However During "
        "For From There These As By With Since Although Both Some Many Most Their Later Then According "
        "Other Another Also If Each",
    ),
    "es": Conventions(
        titles="sra srta dra dña ing lic gral pdte ud uds sto sta",
        abbreviations="aprox admón depto prov av avda ee uu jj aa cía pág págs",
        before_numbers="núm art cap",
        first_words="El La Los Las En Su Sus Se Es Fue Una Un Por Con Tras Desde Este Esta Estos Según "
        "Aunque También Para Como Pero Durante Después Entre Al",
    ),
    "et": Conventions(
        titles="hr pr dr püh",
        abbreviations="jt nn sünd surn u ingl sks vn lad kr pkr",
        before_numbers="lk nr",
        first_words="Ta See Tema Aastal Need Kui Ka Pärast",
        ordinals_with_full_stop=True,
    ),
    "eu": Conventions(
        titles="jn and dr",
        abbreviations="adib",
        before_numbers="zk",
        first_words="Hau Hori Bere Izan Gero Ondoren",
        ordinals_with_full_stop=True,
    ),
    "fa": Conventions(first_words="او این در وی از پس آن همچنین"),
    "fi": Conventions(
        titles="prof ins maist fil toht pyh",
        abbreviations="esim mm ks vrt os ns n eaa jaa ts kk nyk synt k lat engl saks ruots milj mrd",
        before_numbers="s nro",
        first_words="Hän Se Ne Hänen Sen Vuonna Tämä Kun Myös Ensimmäinen Siellä",
        ordinals_with_full_stop=True,
    ),
    "fr": Conventions(
        titles="mme mlle mgr me ste sts",
        abbreviations="av apr env éd coll ibid litt hab chap dép arr jc",
        before_numbers="n t art fig vol",
        first_words="Il Elle Ils Elles En Dans Ce Cette Ces Les Après Son Sa Ses Une Un Mais On Pour À Au "
        "Depuis Selon Cet Plusieurs L",
    ),
    "ga": Conventions(abbreviations="srl", before_numbers="uimh"),
    "gl": Conventions(
        titles="sra dra",
        abbreviations="aprox av páx páxs séc",
        before_numbers="núm art cap",
        first_words="O A Os As En No Na É Foi Un Unha Por Con Tras Desde Este Esta Segundo Durante El Ela "
        "Tamén",
    ),
    "he": Conventions(titles="ד", abbreviations="וכו לסה", before_numbers="עמ"),
    "hi": Conventions(titles="डॉ श्री प्रो पं सं मि", abbreviations="ई कि मी", before_numbers="पृ"),
    "hr": Conventions(
        titles="sv ing gen mr ul",
        abbreviations="npr tj tzv odn sl god st dr engl njem lat rođ um pr kr mil mlrd tis",
        before_numbers="br str",
        first_words="U Na Po Od Je Bio Bila Godine Ovaj Ova To Za Pri Iz Njegov S Nakon Nalazi",
        ordinals_with_full_stop=True,
    ),
    "hu": Conventions(
        titles="id ifj özv gr br szt",
        abbreviations="ún stb kb ld vö pl ill uo kr ti ui sz szül megh lat gör ném ang",
        before_numbers="o old nr",
        first_words="A Az Ez Egy Egyik Ezt Ekkor Itt Majd Később Azonban Miután Ő",
        ordinals_with_full_stop=True,
    ),
    "hy": Conventions(
        titles="սբ փող պրոֆ ակադ",
        abbreviations="թ հ հազ տես օր ծն մոտ անգլ ռուս լատ հուն ֆր գերմ",
        before_numbers="էջ",
        first_words="Նա Այն Այս Նրա Նրանք Իսկ Սակայն Հետագայում Եղել Է",
        terminators=DEFAULT_TERMINATORS + ":",
    ),
    "id": Conventions(
        titles="drs ir hj h tn ny pt cv",
        abbreviations="dst tgl jl yth an",
        before_numbers="no hlm",
        first_words="Ia Dia Pada Di Ini Dalam Kota Setelah Selepas Beliau Menurut Namun",
    ),
    "is": Conventions(titles="sr", abbreviations="bls fl", before_numbers="nr", ordinals_with_full_stop=True),
    "it": Conventions(
        titles="sig sigg dott ing avv on sgg mons ss",
        abbreviations="ecc pag pagg cfr circa sec fraz prov",
        before_numbers="n art cap",
        first_words="Il La Lo I Gli Le Nel Nella È Si Un Una Dopo Con Per In Questo Questa Dal Alla Secondo "
        "Durante Tra L",
    ),
    "kn": Conventions(syllable_initials=True),
    "la": Conventions(
        titles="s",
        # Days of the Roman calendar and the months after them.
        abbreviations="cos kal non id ian febr feb mart apr mai iun iul aug sept oct nov dec",
        before_numbers="cap",
    ),
    "lt": Conventions(
        titles="šv dr kun gen",
        abbreviations="pvz ir kt pan tūkst mln mlrd lot angl vok rus gim pr kr",
        before_numbers="psl nr",
        first_words="Jis Ji Tai Šis Ši Po Nuo Yra Buvo Į Metais",
    ),
    "lv": Conventions(
        titles="dr sv",
        abbreviations="piem dz mir g lat angl vāc kr milj mljrd",
        before_numbers="lpp nr",
        first_words="Viņš Viņa Tas Tā Šis Šī Pēc No Kopš Gadā",
        ordinals_with_full_stop=True,
    ),
    "mk": Conventions(
        titles="св ул проф акад",
        abbreviations="др сл тн на н",
        before_numbers="бр стр",
        first_words="Тој Таа Тоа Тие Во На По Со Од Ова Овој Роден Според",
    ),
    "ml": Conventions(syllable_initials=True),
    "mr": Conventions(
        titles="डॉ श्री प्रा पं सौ कु स्व मा एस एम एन एल एफ एच आर ए",
        abbreviations="इ स उदा कि मी चौ मृ ता जि",
        before_numbers="पृ क्र",
        syllable_initials=True,
    ),
    "nl": Conventions(
        titles="dhr mevr mw ir drs mr ds ing burg gen",
        abbreviations="blz bijv bv resp nl ca jl jr afb chr red mln mld",
        before_numbers="nr blz hst",
        first_words="Het Een In Hij Zij Ze Op Na Deze Dit Er Bij Met Voor Tijdens Vanaf Sinds Ook Zijn "
        "Daarna Toen Door",
    ),
    "no": Conventions(
        titles="hr fr st",
        abbreviations="bl ca dvs kl mv eks inkl ekskl resp jf evt mill mrd",
        before_numbers="nr kap s",
        first_words="Den Det De Han Hun I Etter På En Et Under Da Fra Som Ved Denne Dette Siden Der",
        ordinals_with_full_stop=True,
    ),
    "pl": Conventions(
        titles="św im ks gen płk mjr kpt hab inż ul al pl os bp abp prof hr",
        abbreviations="ok wg tzw tzn np r w tj zm ur pol ang niem łac fr ros gr zob por red woj pow gm wyd "
        "mln mld tys",
        before_numbers="s nr str t",
        first_words="W Na Po Od Jest Był Była Było Został Jego Jej Do Z We Ten Ta To Podczas Według Przez "
        "Za O",
        ordinals_with_full_stop=True,
    ),
    "pt": Conventions(
        titles="sra dra exmo exma eng gen cel",
        abbreviations="av aprox cia ltda séc depto pág págs",
        before_numbers="n núm art cap",
        first_words="O A Os As Em No Na Nos Nas É Foi Um Uma Por Com Após Desde Este Esta Seu Sua Segundo "
        "Durante Ele Ela Também",
    ),
    "ro": Conventions(
        titles="dl dna ing gen",
        abbreviations="str jud com loc cca aprox ș ş sec",
        before_numbers="nr art pag",
        first_words="În Este El Ea A Au Un O La După Din Acest Această Prin Pe Cu Pentru Însă Conform",
    ),
    "ru": Conventions(
        titles="св ул проф акад доц пр пер пл пос дер гр ген полк ред мл ст наб",
        abbreviations="им см тыс руб коп изд изм англ лат греч рус укр нем фр франц итал исп порт яп кит "
        "араб род ок кв гл вв гг г в с рр по ред сост напр нач кон сер пол цит букв фин польск чеш евр арм "
        "груз тж р т л об",
        before_numbers="рис табл стр ч кн вып",
        first_words="Он Она Оно Они В На По После С К У Это Эта Этот Его Её За Из При Для До От Однако "
        "Также Был Была Было Родился Родилась Во О И Но Со Ещё Уже Там Тогда Затем",
    ),
    "sk": Conventions(
        titles="sv ing gen ul nám mgr",
        abbreviations="tj tzv napr resp pr kr č angl nem lat gréc nar zom mil mld tis okr stor",
        before_numbers="s č str",
        first_words="V Na Po Od Je Bol Bola Bolo Jeho Jej Do Z Vo Tento Táto To Podľa Za Pri Roku S",
        ordinals_with_full_stop=True,
    ),
    "sl": Conventions(
        titles="sv ing gen mag ul",
        abbreviations="npr oz tj tim ok angl nem lat roj um pr st mio",
        before_numbers="š št str",
        first_words="V Na Po Od Je Bil Bila Leta Ta To Za Pri Iz Njegov S Z",
        ordinals_with_full_stop=True,
    ),
    "sq": Conventions(titles="z znj", abbreviations="dmth", before_numbers="nr"),
    "sr": Conventions(
        titles="св ул проф акад ген sv ul prof ing gen",
        abbreviations="нпр тј тзв одн сл год ст енгл нем лат рођ ум пре кр мил npr tj tzv odn god engl nem "
        "lat rođ",
        before_numbers="бр стр br str",
        first_words="У На По Од Је Био Била Године Овај Ова То За При Из Његов Након Налази U Na Po Od Nakon",
        ordinals_with_full_stop=True,
    ),
    "sv": Conventions(
        titles="d",
        abbreviations="bl dvs ca kl resp st etc milj mdr",
        before_numbers="nr sid kap",
        first_words="Den Det De Han Hon I År Efter På En Ett Under När Från Som Vid Denna Detta Sedan",
    ),
    "ta": Conventions(
        titles="திரு டாக்டர் எம் எஸ் என் எல் ஆர் எச் எஃப் டி பி சி கே ஜி ஏ",
        abbreviations="கி மு மீ",
        before_numbers="பக்",
        syllable_initials=True,
    ),
    "te": Conventions(
        titles="డా శ్రీ ఎం ఎస్ ఎన్ ఎల్ ఆర్ ఎచ్ ఎఫ్ ఎ",
        abbreviations="క్రీ శ కి మీ",
        before_numbers="పే",
        syllable_initials=True,
    ),
    "tr": Conventions(
        titles="dr doç prof av alb bkz yrd sn op",
        abbreviations="vb vd vs yy mö ms bk örn çev ing lat haz yay yak",
        before_numbers="s no",
        first_words="Bu Bir O Ancak Daha Ayrıca Türk Ardından Sonra Ve",
        ordinals_with_full_stop=True,
    ),
    "uk": Conventions(
        titles="св ім ул вул просп проф акад доц пл пров наб ген полк о смт др",
        abbreviations="див тис руб коп англ лат грец рос укр нім фр франц італ ісп порт яп польс чес бл зб "
        "ред напр тзв тобто кв тел рр ст обл рн поч кін сер пол буд р т л с м пр вид",
        before_numbers="рис табл стор ч кн вип вид пом нар",
        first_words="Він Вона Воно Вони В У На По Після З До Це Цей Ця Його Її За Із При Для Від Однак "
        "Також Був Була Було Народився Народилася Під Про І Та Але Там Тоді Згодом Зі Через",
    ),
    "vi": Conventions(
        titles="ts gs ths tp bs ks",
        before_numbers="tr",
        first_words="Ông Bà Năm Trong Các Đây Nó Sau Vào Tuy Khi Một Những Ngày Ở Theo Tại Anh Cô Được Với "
        "Từ Đến",
        initial_letters=string.ascii_letters + "Đ",
    ),
    **dict.fromkeys(
        ("als", "bar", "dsb", "fo", "hsb", "ksh", "lb", "nds"), Conventions(ordinals_with_full_stop=True)
    ),
}
"""Conventions by language code (ISO 639 or Wikipedia)."""

SAME_CONVENTIONS = {"nb": "no", "nn": "no", "bs": "hr", "sh": "hr", "ms": "id", "simple": "en"}
"""Languages that follow another one's conventions."""
