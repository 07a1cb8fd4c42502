"""Words of made-up products: a line a thing, its six languages side by side (en|de|fr|es|pl|ja)."""

from __future__ import annotations

Words = tuple[tuple[str, ...], ...]


def table(text: str) -> Words:
    """Return the lines of a text, split into languages."""
    return tuple(tuple(line.strip().split("|")) for line in text.strip().splitlines())


COLOURS = table("""
black|schwarz|noir|negro|czarny|ブラック
white|weiß|blanc|blanco|biały|ホワイト
grey|grau|gris|gris|szary|グレー
navy blue|dunkelblau|bleu marine|azul marino|granatowy|ネイビー
red|rot|rouge|rojo|czerwony|レッド
green|grün|vert|verde|zielony|グリーン
brown|braun|marron|marrón|brązowy|ブラウン
beige|beige|beige|beige|beżowy|ベージュ
yellow|gelb|jaune|amarillo|żółty|イエロー
pink|rosa|rose|rosa|różowy|ピンク
silver|silber|argent|plateado|srebrny|シルバー
turquoise|türkis|turquoise|turquesa|turkusowy|ターコイズ
""")

AUDIENCES = table("""
for women|für Damen|pour femme|para mujer|damskie|レディース
for men|für Herren|pour homme|para hombre|męskie|メンズ
for kids|für Kinder|pour enfant|para niños|dziecięce|キッズ
unisex|Unisex|mixte|unisex|unisex|ユニセックス
""")

MATERIALS = {
    "leather": ("leather", "Leder", "cuir", "cuero", "skóra", "レザー"),
    "suede": ("suede", "Wildleder", "daim", "ante", "zamsz", "スエード"),
    "mesh": ("mesh", "Mesh", "maille", "malla", "siatka", "メッシュ"),
    "cotton": ("cotton", "Baumwolle", "coton", "algodón", "bawełna", "コットン"),
    "wool": ("merino wool", "Merinowolle", "laine mérinos", "lana merina", "wełna merino", "メリノウール"),
    "polyester": ("recycled polyester", "recyceltes Polyester", "polyester recyclé", "poliéster reciclado", "poliester", "ポリエステル"),
    "linen": ("linen", "Leinen", "lin", "lino", "len", "リネン"),
    "steel": ("stainless steel", "Edelstahl", "acier inoxydable", "acero inoxidable", "stal nierdzewna", "ステンレス"),
    "aluminium": ("aluminium", "Aluminium", "aluminium", "aluminio", "aluminium", "アルミ"),
    "plastic": ("BPA-free plastic", "BPA-freier Kunststoff", "plastique sans BPA", "plástico sin BPA", "tworzywo bez BPA", "プラスチック"),
    "glass": ("borosilicate glass", "Borosilikatglas", "verre borosilicate", "vidrio de borosilicato", "szkło", "ガラス"),
    "iron": ("cast iron", "Gusseisen", "fonte", "hierro fundido", "żeliwo", "鋳鉄"),
    "ceramic": ("ceramic", "Keramik", "céramique", "cerámica", "ceramika", "セラミック"),
    "oak": ("solid oak", "Massiveiche", "chêne massif", "roble macizo", "lity dąb", "オーク材"),
    "pine": ("pine", "Kiefer", "pin", "pino", "sosna", "パイン材"),
    "carbon": ("carbon", "Carbon", "carbone", "carbono", "karbon", "カーボン"),
    "nylon": ("ripstop nylon", "Ripstop-Nylon", "nylon ripstop", "nailon ripstop", "nylon ripstop", "ナイロン"),
}

FEATURES = {
    "shoe": table("""
waterproof|wasserdicht|imperméable|impermeable|wodoodporne|防水
lightweight|leicht|léger|ligero|lekkie|軽量
breathable|atmungsaktiv|respirant|transpirable|oddychające|通気性
insulated|gefüttert|fourré|forrado|ocieplane|裏起毛
non-slip|rutschfest|antidérapant|antideslizante|antypoślizgowe|滑り止め
"""),
    "garment": table("""
waterproof|wasserdicht|imperméable|impermeable|wodoodporne|防水
windproof|winddicht|coupe-vent|cortavientos|wiatroszczelne|防風
slim fit|Slim Fit|coupe ajustée|corte ajustado|slim fit|スリム
oversized|Oversize|oversize|holgado|oversize|オーバーサイズ
organic|Bio|bio|orgánico|organiczne|オーガニック
"""),
    "bag": table("""
water-repellent|wasserabweisend|déperlant|repelente al agua|wodoodporny|撥水
with laptop compartment|mit Laptopfach|avec compartiment ordinateur|con compartimento para portátil|z kieszenią na laptopa|PC収納
lightweight|leicht|léger|ligero|lekki|軽量
anti-theft|diebstahlsicher|antivol|antirrobo|antykradzieżowy|盗難防止
"""),
    "bottle": table("""
insulated|isoliert|isotherme|térmico|termiczny|保温
leakproof|auslaufsicher|étanche|antigoteo|szczelny|漏れない
dishwasher-safe|spülmaschinenfest|compatible lave-vaisselle|apto para lavavajillas|do zmywarki|食洗機対応
refillable|nachfüllbar|rechargeable|rellenable|do napełniania|詰め替え
"""),
    "cookware": table("""
non-stick|antihaftbeschichtet|antiadhésif|antiadherente|nieprzywierająca|焦げ付かない
for induction|für Induktion|pour induction|para inducción|na indukcję|IH対応
ovenproof|ofenfest|compatible four|apto para horno|do piekarnika|オーブン対応
with lid|mit Deckel|avec couvercle|con tapa|z pokrywką|蓋付き
"""),
    "appliance": table("""
with timer|mit Timer|avec minuterie|con temporizador|z timerem|タイマー付き
quiet|leise|silencieux|silencioso|cichy|静音
energy-saving|energiesparend|économe en énergie|de bajo consumo|energooszczędny|省エネ
rechargeable|wiederaufladbar|rechargeable|recargable|z akumulatorem|充電式
with temperature control|mit Temperaturregelung|avec réglage de température|con control de temperatura|z regulacją temperatury|温度調節
"""),
    "powertool": table("""
brushless|bürstenlos|sans charbon|sin escobillas|bezszczotkowa|ブラシレス
with 2 batteries|mit 2 Akkus|avec 2 batteries|con 2 baterías|z 2 akumulatorami|バッテリー2個付き
compact|kompakt|compact|compacto|kompaktowa|コンパクト
with case|im Koffer|en coffret|con maletín|w walizce|ケース付き
"""),
    "audio": table("""
noise cancelling|mit Geräuschunterdrückung|à réduction de bruit|con cancelación de ruido|z redukcją szumów|ノイズキャンセリング
wireless|kabellos|sans fil|inalámbrico|bezprzewodowe|ワイヤレス
foldable|faltbar|pliable|plegable|składane|折りたたみ
waterproof|wasserdicht|étanche|resistente al agua|wodoodporne|防水
with deep bass|mit kräftigem Bass|à basses profondes|con graves profundos|z mocnym basem|重低音
"""),
    "computer": table("""
with backlight|mit Beleuchtung|rétroéclairé|retroiluminado|podświetlany|バックライト
4K|4K|4K|4K|4K|4K
USB-C|USB-C|USB-C|USB-C|USB-C|USB-C
refurbished|generalüberholt|reconditionné|reacondicionado|odnowiony|整備済み
silent|geräuschlos|silencieux|silencioso|bezgłośny|静音
"""),
    "furniture": table("""
foldable|klappbar|pliant|plegable|składany|折りたたみ
height-adjustable|höhenverstellbar|réglable en hauteur|regulable en altura|z regulacją wysokości|高さ調節
upholstered|gepolstert|rembourré|tapizado|tapicerowany|張り地
space-saving|platzsparend|gain de place|ahorra espacio|oszczędzający miejsce|省スペース
ergonomic|ergonomisch|ergonomique|ergonómico|ergonomiczny|人間工学
"""),
    "textile": table("""
soft|weich|doux|suave|miękki|柔らかい
machine washable|maschinenwaschbar|lavable en machine|lavable a máquina|do prania w pralce|洗える
hypoallergenic|hypoallergen|hypoallergénique|hipoalergénico|hipoalergiczny|低刺激
blackout|verdunkelnd|occultant|opaco|zaciemniający|遮光
"""),
    "lamp": table("""
dimmable|dimmbar|à intensité variable|regulable|ściemnialna|調光
warm white|warmweiß|blanc chaud|blanco cálido|ciepła biel|電球色
with motion sensor|mit Bewegungsmelder|avec détecteur de mouvement|con sensor de movimiento|z czujnikiem ruchu|人感センサー
Wi-Fi|WLAN|Wi-Fi|wifi|Wi-Fi|Wi-Fi
"""),
    "bike": table("""
with disc brakes|mit Scheibenbremsen|avec freins à disque|con frenos de disco|z hamulcami tarczowymi|ディスクブレーキ
with mudguards|mit Schutzblechen|avec garde-boue|con guardabarros|z błotnikami|泥除け付き
21-speed|21 Gänge|21 vitesses|21 velocidades|21 biegów|21段変速
electric|elektrisch|électrique|eléctrico|elektryczny|電動
"""),
    "kidsbike": table("""
with training wheels|mit Stützrädern|avec roulettes|con ruedines|z kółkami bocznymi|補助輪付き
with mudguards|mit Schutzblechen|avec garde-boue|con guardabarros|z błotnikami|泥除け付き
with coaster brake|mit Rücktrittbremse|avec rétropédalage|con freno de contrapedal|z hamulcem nożnym|コースターブレーキ
lightweight|leicht|léger|ligero|lekki|軽量
"""),
    "toy": table("""
wooden|aus Holz|en bois|de madera|drewniany|木製
from 3 years|ab 3 Jahren|dès 3 ans|a partir de 3 años|od 3 lat|3歳から
educational|pädagogisch wertvoll|éducatif|educativo|edukacyjny|知育
for two players|für zwei Spieler|pour deux joueurs|para dos jugadores|dla dwóch graczy|二人用
"""),
    "beauty": table("""
vegan|vegan|végan|vegano|wegański|ヴィーガン
for dry skin|für trockene Haut|pour peau sèche|para piel seca|do skóry suchej|乾燥肌用
fragrance-free|parfümfrei|sans parfum|sin perfume|bezzapachowy|無香料
with aloe vera|mit Aloe Vera|à l'aloe vera|con aloe vera|z aloesem|アロエ配合
SPF 50|LSF 50|SPF 50|SPF 50|SPF 50|SPF50
"""),
    "pet": table("""
for small breeds|für kleine Rassen|pour petites races|para razas pequeñas|dla małych ras|小型犬用
grain-free|getreidefrei|sans céréales|sin cereales|bez zbóż|グレインフリー
washable|waschbar|lavable|lavable|do prania|洗える
for seniors|für Senioren|senior|sénior|dla seniorów|シニア用
"""),
    "plain": table("""
heavy-duty|extra robust|robuste|resistente|wytrzymały|頑丈
professional|Profi|professionnel|profesional|profesjonalny|プロ仕様
set of 2|2er-Set|lot de 2|juego de 2|zestaw 2 szt.|2個セット
compact|kompakt|compact|compacto|kompaktowy|コンパクト
"""),
}

FOR_WHAT = table("""
everyday use|den Alltag|un usage quotidien|el uso diario|codziennego użytku|毎日の使用
long trips|lange Touren|les longs trajets|viajes largos|długich wypraw|長旅
small flats|kleine Wohnungen|les petits espaces|pisos pequeños|małych mieszkań|狭い部屋
beginners|Einsteiger|les débutants|principiantes|początkujących|初心者
families|Familien|les familles|familias|rodzin|家族
professionals|Profis|les professionnels|profesionales|profesjonalistów|プロ
""")

OPENINGS = (
    ("The {noun} by {brand}: {feature}, made for {use}.", "{feature} and reliable, this is the {noun} for {use}."),
    ("{noun} von {brand}: {feature}, gemacht für {use}.", "{feature} und zuverlässig: die Wahl für {use}, als {noun} gedacht."),
    ("{noun} de {brand} : {feature}, pour {use}.", "{feature} et fiable, ce modèle ({noun}) est pensé pour {use}."),
    ("{noun} de {brand}: {feature}, para {use}.", "{feature} y fiable, este modelo ({noun}) es para {use}."),
    ("{noun} marki {brand}: {feature}, dla {use}.", "{feature} i niezawodny produkt ({noun}) do {use}."),
    ("{brand}の{noun}。{feature}で{use}に最適です。", "{feature}の{noun}。{use}におすすめ。"),
)

MORE = (
    (
        "Made of {material} in {colour}.",
        "Delivered ready to use, with a two-year guarantee.",
        "Easy to clean and to store.",
        "Our customers praise its finish and its honest price.",
        "Tested by an independent laboratory, and repairable: every part can be ordered one by one.",
        "Free returns within 30 days; the packaging is made of recycled cardboard.",
    ),
    (
        "Aus {material}, Farbe {colour}.",
        "Wird gebrauchsfertig geliefert, mit zwei Jahren Garantie.",
        "Leicht zu reinigen und zu verstauen.",
        "Unsere Kundinnen und Kunden loben die Verarbeitung und den fairen Preis.",
        "Von einem unabhängigen Labor geprüft und reparierbar: jedes Teil ist einzeln erhältlich.",
        "Kostenlose Rückgabe innerhalb von 30 Tagen; die Verpackung besteht aus Altpapier.",
    ),
    (
        "En {material}, coloris {colour}.",
        "Livré prêt à l'emploi, avec deux ans de garantie.",
        "Facile à nettoyer et à ranger.",
        "Nos clients apprécient la finition et le prix juste.",
        "Testé par un laboratoire indépendant et réparable : chaque pièce se commande séparément.",
    ),
    (
        "De {material}, color {colour}.",
        "Se entrega listo para usar, con dos años de garantía.",
        "Fácil de limpiar y de guardar.",
        "Nuestros clientes destacan el acabado y el precio justo.",
        "Probado por un laboratorio independiente y reparable: cada pieza se vende por separado.",
    ),
    (
        "Materiał: {material}, kolor: {colour}.",
        "Dostarczany gotowy do użycia, z dwuletnią gwarancją.",
        "Łatwy w czyszczeniu i przechowywaniu.",
        "Klienci chwalą wykonanie i uczciwą cenę.",
    ),
    (
        "素材は{material}、カラーは{colour}。",
        "2年保証付きですぐに使えます。",
        "お手入れも収納も簡単。",
        "仕上げの良さと手頃な価格が好評です。",
    ),
)

BRAND_STARTS = (
    "Nord", "Alp", "Vol", "Kor", "Lum", "Tern", "Bra", "Cas", "Del", "Fjor", "Gran", "Hel", "Iver", "Jun", "Kest", "Lin",
    "Mar", "Nim", "Ost", "Pry", "Quor", "Riv", "Sol", "Tal", "Urb", "Ven", "Wes", "Yar", "Zen", "Are",
)  # fmt: skip
BRAND_ENDS = ("vik", "ina", "tek", "ado", "ella", "mark", "wood", "ora", "berg", "line", "ique", "son", "max", "ena", "field", "loop")
LINES = (
    "Trail", "Pro", "Nova", "Classic", "Aero", "Terra", "Pulse", "Studio", "Urban", "Delta", "Edge", "Breeze", "Atlas", "Core",
    "Prime", "Echo", "Fuse", "Glide", "Halo", "Ion", "Jet", "Kite", "Loft", "Mono", "Neo", "Orbit", "Peak", "Quest", "Ridge", "Spark",
)  # fmt: skip
