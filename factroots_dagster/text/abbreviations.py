"""Words that a full stop shortens, and words that begin sentences, by language. Data for `sentences` alone.

The editor's choice of what encyclopaedias write, from the languages' common dictionaries; a list need not be
complete to be of use. Single letters are initials without being listed.
"""

ABBREVIATIONS = {
    "": "mr mrs ms dr prof st mgr ph | jr sr vs inc ltd corp co bros ca cf al approx ed eds rev | no nr "
    "vol vols p pp fig figs art vers",
    "en": "messrs rev gen col lt sgt capt cmdr cpt maj brig adm gov sen rep hon pres mt supt fr gens revs "
    "| ft dept univ est assn esq resp incl excl viz lit trans repr ed eds ave blvd ext dist | nos op "
    "ch chap sec jan feb mar apr jun jul aug sep sept oct nov dec ser",
    "de": "hl frhr gebr fam ing dipl frl univ | bzw bspw usw usf evtl ggf ggfs vgl geb gest str tel abb bd "
    "bde sog inkl zzgl ehem eigtl insb jh jhd jhdt hrsg aufl urspr verh östl westl nördl südl chr "
    "lat griech engl frz ital rd zt österr schweiz dt jan feb febr aug sept okt nov dez tsd | s z "
    "abs kap nrn",
    "fr": "mme mlle mgr me ste sts | av apr env éd coll ibid litt hab chap dép arr jc | n t art fig vol",
    "es": "sra srta dra dña ing lic gral pdte ud uds sto sta | aprox admón depto prov av avda ee uu jj aa "
    "cía pág págs | núm art cap",
    "it": "sig sigg dott ing avv on sgg mons ss | ecc pag pagg cfr circa sec fraz prov | n art cap",
    "pt": "sra dra exmo exma eng gen cel | av aprox cia ltda séc depto pág págs | n núm art cap",
    "ca": "sra dra | aprox av pàg pàgs cia segle | núm art cap",
    "gl": "sra dra | aprox av páx páxs séc | núm art cap",
    "ro": "dl dna ing gen | str jud com loc cca aprox ș ş sec | nr art pag",
    "nl": "dhr mevr mw ir drs mr ds ing burg gen | blz bijv bv resp nl ca jl jr afb chr red | nr blz hst",
    "sv": "d | bl dvs ca kl resp st etc | nr sid kap",
    "da": "hr fr skt | bl ca dvs kl mv eks inkl ekskl resp jf fx | nr kap s",
    "no": "hr fr st | bl ca dvs kl mv eks inkl ekskl resp jf evt | nr kap s",
    "is": "sr | bls fl | nr",
    "pl": "św im ks gen płk mjr kpt hab inż ul al pl os bp abp prof hr | ok wg tzw tzn np r w tj zm ur pol "
    "ang niem łac fr ros gr zob por red woj pow gm wyd mln mld tys | s nr str t",
    "cs": "sv ing mudr judr gen pplk por ul nám mgr bc | tj tzv tzn např popř resp aj př kr čs č angl něm "
    "lat řec fr roz zem tis okr stol | s č str sv",
    "sk": "sv ing gen ul nám mgr | tj tzv napr resp pr kr č angl nem lat gréc nar zom mil mld tis okr stor "
    "| s č str",
    "sl": "sv ing gen mag ul | npr oz tj tim ok angl nem lat roj um pr st mio | š št str",
    "hr": "sv ing gen mr ul | npr tj tzv odn sl god st dr engl njem lat rođ um pr kr mil mlrd tis | br str",
    "hu": "id ifj özv gr br szt | ún stb kb ld vö pl ill uo kr ti ui sz szül megh lat gör ném ang | o old nr",
    "fi": "prof ins maist fil toht pyh | esim mm ks vrt os ns n eaa jaa ts kk nyk synt k lat engl saks "
    "ruots | s nro",
    "et": "hr pr dr püh | jt nn sünd surn u ingl sks vn lad kr pkr | lk nr",
    "lv": "dr sv | piem dz mir g lat angl vāc kr | lpp nr",
    "lt": "šv dr kun gen | pvz ir kt pan tūkst lot angl vok rus gim pr kr | psl nr",
    "tr": "dr doç prof av alb bkz yrd sn op | vb vd vs yy mö ms bk örn çev ing lat haz yay yak | s no",
    "az": "dr prof akad | | səh",
    "eu": "jn and dr | adib | zk",
    "id": "drs ir hj h tn ny | dst tgl jl yth an | no hlm",
    "vi": "ts gs ths tp bs ks | | tr",
    "la": "s | cos kal | cap",
    "sq": "z znj | dmth | nr",
    "af": "mnr mev ds | bv ens nl asb | nr bl",
    "cy": "parch | | rhif",
    "ga": "| srl | uimh",
    "ru": "св ул проф акад доц пр пер пл пос дер гр ген полк ред мл ст наб | им см тыс руб коп изд изм "
    "англ лат греч рус укр нем фр франц итал исп порт яп кит араб род ок кв гл вв гг г в с рр по ред "
    "сост напр нач кон сер пол цит букв фин польск чеш евр арм груз тж р т л об | рис табл стр ч кн "
    "вып",
    "uk": "св ім ул вул просп проф акад доц пл пров наб ген полк о смт др | див тис руб коп англ лат грец "
    "рос укр нім фр франц італ ісп порт яп польс чес бл зб ред напр тзв тобто кв тел рр ст обл рн "
    "поч кін сер пол буд р т л с м пр вид | рис табл стор ч кн вип вид пом нар",
    "be": "св вул праф акад дац пл прасп ген | ім в г гл тыс руб выд англ лат рус укр ням фр нар напр кв "
    "кг гг стст | мал табл ст ч кн вып",
    "bg": "св ул проф акад доц бул пл инж ген полк | вж напр хил млн млрд изд англ лат гръц рус нем фр род "
    "ок кв пр тн обл общ | фиг табл стр гл",
    "mk": "св ул проф акад | др сл тн на н | бр стр",
    "sr": "св ул проф акад ген sv ul prof ing gen | нпр тј тзв одн сл год ст енгл нем лат рођ ум пре кр "
    "мил npr tj tzv odn god engl nem lat rođ | бр стр br str",
    "el": "κ κα κος αγ καθ στρ πρωθ λεωφ οδ | βλ πχ μχ δηλ λχ χλμ εκ δισ εκατ χιλ περ αι ελλ αγγλ λατ γαλλ "
    "γερμ τηλ σμ εκδ μτφ επιμ π | σελ αρ τόμ κεφ",
    "hy": "սբ փող պրոֆ ակադ | թ հ հազ տես օր ծն մոտ անգլ ռուս լատ հուն ֆր գերմ | էջ",
    "he": "ד | וכו לסה | עמ",
    "ar": "د أ م | | ص",
    "hi": "डॉ श्री प्रो पं सं मि | ई कि मी | पृ",
    "mr": "डॉ श्री प्रा पं सौ कु स्व मा एस एम एन एल एफ एच आर ए | इ स उदा कि मी चौ मृ ता जि | पृ क्र",
    "bn": "ড ডা মো মোঃ প্রো এম এস এন এল এফ এইচ আর এ বি কে জে | খ্রি খ্রিঃ কি মি ইং | পৃ নং",
    "ta": "திரு டாக்டர் எம் எஸ் என் எல் ஆர் எச் எஃப் டி பி சி கே ஜி ஏ | கி மு மீ | பக்",
    "te": "డా శ్రీ ఎం ఎస్ ఎన్ ఎల్ ఆర్ ఎచ్ ఎఫ్ ఎ | క్రీ శ కి మీ | పే",
}
"""Shortened words, lower case, without their full stop: those that stand before a name and end no sentence |
those that may end one, which the next word tells | those that are shortened before a number only. The first
row holds in every language."""

FIRST_WORDS = {
    "en": "The In He She It This They His Her Its An At On After When While But However During For From "
    "There These As By With Since Although Both Some Many Most Their Later Then According Other "
    "Another Also If Each",
    "de": "Der Die Das Er Sie Es Im In Am Ein Eine Nach Seit Bei Mit Als Auf Für Diese Dieser Dieses "
    "Danach Dort Auch Sein Seine Ihre Zu Ab An Aus Durch Während Nachdem Dabei Damit Heute Zwischen "
    "Man Wenn Zum Zur",
    "fr": "Il Elle Ils Elles En Dans Ce Cette Ces Les Après Son Sa Ses Une Un Mais On Pour À Au Depuis "
    "Selon Cet Plusieurs L",
    "es": "El La Los Las En Su Sus Se Es Fue Una Un Por Con Tras Desde Este Esta Estos Según Aunque "
    "También Para Como Pero Durante Después Entre Al",
    "it": "Il La Lo I Gli Le Nel Nella È Si Un Una Dopo Con Per In Questo Questa Dal Alla Secondo Durante "
    "Tra L",
    "pt": "O A Os As Em No Na Nos Nas É Foi Um Uma Por Com Após Desde Este Esta Seu Sua Segundo Durante "
    "Ele Ela Também",
    "ca": "El La Els Les En Al És Fou Va Un Una Per Amb Després Des Aquest Aquesta Segons Durant Ell Ella "
    "També L",
    "gl": "O A Os As En No Na É Foi Un Unha Por Con Tras Desde Este Esta Segundo Durante El Ela Tamén",
    "ro": "În Este El Ea A Au Un O La După Din Acest Această Prin Pe Cu Pentru Însă Conform",
    "nl": "Het Een In Hij Zij Ze Op Na Deze Dit Er Bij Met Voor Tijdens Vanaf Sinds Ook Zijn Daarna Toen "
    "Door",
    "af": "Die Hy Sy Dit In Daar Na Op Met Hierdie Sedert",
    "sv": "Den Det De Han Hon I År Efter På En Ett Under När Från Som Vid Denna Detta Sedan",
    "da": "Den Det De Han Hun I Efter På En Et Under Da Fra Som Ved Denne Dette Siden Der",
    "no": "Den Det De Han Hun I Etter På En Et Under Da Fra Som Ved Denne Dette Siden Der",
    "pl": "W Na Po Od Jest Był Była Było Został Jego Jej Do Z We Ten Ta To Podczas Według Przez Za O",
    "cs": "V Na Po Od Je Byl Byla Bylo Jeho Její Do Z Ve Tento Tato To Podle Za Při Roku S",
    "sk": "V Na Po Od Je Bol Bola Bolo Jeho Jej Do Z Vo Tento Táto To Podľa Za Pri Roku S",
    "sl": "V Na Po Od Je Bil Bila Leta Ta To Za Pri Iz Njegov S Z",
    "hr": "U Na Po Od Je Bio Bila Godine Ovaj Ova To Za Pri Iz Njegov S Nakon Nalazi",
    "sr": "У На По Од Је Био Била Године Овај Ова То За При Из Његов Након Налази U Na Po Od Nakon",
    "hu": "A Az Ez Egy Egyik Ezt Ekkor Itt Majd Később Azonban Miután Ő",
    "fi": "Hän Se Ne Hänen Sen Vuonna Tämä Kun Myös Ensimmäinen Siellä",
    "et": "Ta See Tema Aastal Need Kui Ka Pärast",
    "lv": "Viņš Viņa Tas Tā Šis Šī Pēc No Kopš Gadā",
    "lt": "Jis Ji Tai Šis Ši Po Nuo Yra Buvo Į Metais",
    "tr": "Bu Bir O Ancak Daha Ayrıca Türk Ardından Sonra Ve",
    "eu": "Hau Hori Bere Izan Gero Ondoren",
    "id": "Ia Dia Pada Di Ini Dalam Kota Setelah Selepas Beliau Menurut Namun",
    "vi": "Ông Bà Năm Trong Các Đây Nó Sau Vào Tuy Khi Một Những Ngày Ở Theo Tại Anh Cô Được Với Từ Đến",
    "cy": "Mae Roedd Yn Y Yr Bu Cafodd Ar",
    "ru": "Он Она Оно Они В На По После С К У Это Эта Этот Его Её За Из При Для До От Однако Также Был "
    "Была Было Родился Родилась Во О И Но Со Ещё Уже Там Тогда Затем",
    "uk": "Він Вона Воно Вони В У На По Після З До Це Цей Ця Його Її За Із При Для Від Однак Також Був "
    "Була Було Народився Народилася Під Про І Та Але Там Тоді Згодом Зі Через",
    "be": "Ён Яна Яно Яны У На Па Пасля З Да Гэта Яго Яе За Пры Для Ад Таксама Быў Была Было Нарадзіўся",
    "bg": "Той Тя То Те В На По След С От През Това Този Тази Неговата За При До Също Роден Според",
    "mk": "Тој Таа Тоа Тие Во На По Со Од Ова Овој Роден Според",
    "el": "Ο Η Το Οι Τα Στις Στη Στην Στο Στον Την Τον Του Της Μετά Από Με Για Σε Κατά Ήταν Έτσι Είναι "
    "Αυτός Αυτή Αυτό Όμως Επίσης Όταν Ως Σύμφωνα Έχει Υπάρχουν",
    "hy": "Նա Այն Այս Նրա Նրանք Իսկ Սակայն Հետագայում Եղել Է",
    "ar": "وكان كان كما في وفي ولد تم وقد هو هي وهو وهي ثم",
    "fa": "او این در وی از پس آن همچنین",
}
"""Words that begin sentences, and do not stand behind a shortened word in the middle of one."""
