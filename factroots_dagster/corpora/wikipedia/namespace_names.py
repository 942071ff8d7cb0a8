"""Link prefixes of the Wikipedias: languages, and names of namespaces that a dump's siteinfo does not list.

Data only. Siteinfo lists a wiki's current names; here are those that MediaWiki knows in every wiki, and older
ones that old pages still use.
"""

from __future__ import annotations

LANGUAGE_CODES = frozenset(
    """
    aa ab ace ady af ak als alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az azb ba ban
    bar bat-smg bbc bcl bdr be be-tarask be-x-old bew bg bh bi bjn blk bm bn bo bpy br bs btm bug bxr ca
    cbk-zam cdo ce ceb ch cho chr chy ckb co cr crh cs csb cu cv cy cz da dag de dga din diq dk dsb dtp dty
    dv dz ee el eml en eo epo es et eu ext fa fat ff fi fiu-vro fj fo fon fr frp frr fur fy ga gag gan gcr
    gd gl glk gn gom gor got gpe gsw gu guc gur guw gv ha hak haw he hi hif ho hr hsb ht hu hy hyw hz ia iba
    id ie ig igl ii ik ilo inh io is it iu ja jam jbo jp jv ka kaa kab kbd kbp kcg kg kge ki kj kk kl km kn
    knc ko koi kr krc ks ksh ku kus kv kw ky la lad lb lbe lez lfn lg li lij lld lmo ln lo lrc lt ltg lv lzh
    mad mai map-bms mdf mg mh mhr mi min minnan mk ml mn mni mnw mo mos mr mrj ms mt mus mwl my myv mzn na
    nah nan nap nds nds-nl ne new ng nia nl nn no nov nqo nr nrm nso nup nv ny oc olo om or os pa pag pam
    pap pcd pcm pdc pdt pfl pi pih pl pms pnb pnt ps pt pwn qu rm rmy rn ro roa-rup roa-tara rsk ru rue rup
    rw sa sah sat sc scn sco sd se sg sgs sh shi shn si simple sk skr sl sm smn sn so sq sr srn ss st stq su
    sv sw syl szl szy ta tay tcy tdd te tet tg th ti tig tk tl tly tn to tok tpi tr trv ts tt tum tw ty tyv
    udm ug uk ur uz ve vec vep vi vls vo vro wa war wo wuu xal xh xmf yi yo yue za zea zgh zh zh-cfr
    zh-classical zh-cn zh-min-nan zh-tw zh-yue zu
    """.split()  # noqa: SIM905
)
"""Languages that have or had a Wikipedia: prefixes of links to the same article in another language.

An explicit list, since `[[CSI: Miami]]` is no link to a language.
"""

FILE_NAMES = {
    "": "file image media",
    "af": "beeld lêer",
    "ar": "صورة ملف",
    "az": "şəkil fayl",
    "be": "выява файл",
    "bg": "картинка файл",
    "bn": "চিত্র",
    "bs": "slika datoteka",
    "ca": "imatge fitxer",
    "cs": "soubor obrázek",
    "cy": "delwedd",
    "da": "billede fil",
    "de": "bild datei",
    "el": "εικόνα αρχείο",
    "eo": "dosiero",
    "es": "imagen archivo",
    "et": "pilt fail",
    "eu": "irudi fitxategi",
    "fa": "تصویر پرونده",
    "fi": "kuva tiedosto",
    "fr": "fichier",
    "ga": "íomhá",
    "gl": "imaxe ficheiro",
    "he": "תמונה קובץ",
    "hi": "चित्र",
    "hr": "slika datoteka",
    "hu": "kép fájl",
    "hy": "պատկեր",
    "id": "berkas gambar",
    "it": "immagine",
    "ja": "ファイル 画像",
    "ka": "სურათი ფაილი",
    "ko": "파일 그림",
    "la": "imago fasciculus",
    "lt": "vaizdas",
    "lv": "attēls",
    "mr": "चित्र संचिका",
    "ms": "imej fail",
    "nl": "afbeelding bestand",
    "pl": "grafika plik",
    "pt": "imagem ficheiro arquivo",
    "ro": "imagine fișier",
    "ru": "изображение файл",
    "sk": "obrázok súbor",
    "sl": "slika datoteka",
    "sq": "figura skeda",
    "sr": "слика датотека slika datoteka",
    "sv": "bild fil",
    "ta": "படிமம்",
    "th": "ภาพ ไฟล์",
    "tr": "resim dosya",
    "uk": "зображення файл",
    "ur": "تصویر فائل",
    "vi": "hình tập_tin",
    "zh": "文件 档案 檔案 图像 圖像",
}
"""Names of the file namespace by language (`_` is a space); the first row holds in every wiki."""

CATEGORY_NAMES = {"": "category", "zh": "分类 分類", "sr": "категорија kategorija", "vi": "thể_loại"}
"""Names of the category namespace, in the same way."""
