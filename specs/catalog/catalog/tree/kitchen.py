"""Kitchen."""

TREE = """
Kitchen
 Cookware [cookware 12-320]
  Frying pans|Bratpfanne|poêles|sartenes|patelnie|フライパン
  Saucepans|Kochtopf|casseroles|cazos|garnki
  Woks|Wok|woks|woks|woki
  Casserole dishes|Bräter|cocottes|cacerolas|brytfanny
  Pressure cookers|Schnellkochtopf|autocuiseurs|ollas a presión|szybkowary
  Roasting tins|Backblech|plats à rôtir|bandejas de horno|blachy do pieczenia
 Knives [handtool 8-280]
  Chef's knives|Kochmesser|couteaux de chef|cuchillos de cocinero|noże szefa kuchni|包丁
  Bread knives|Brotmesser|couteaux à pain|cuchillos de pan|noże do chleba
  Knife blocks|Messerblock|blocs à couteaux|tacos de cuchillos|bloki na noże
  Chopping boards|Schneidebrett|planches à découper|tablas de cortar|deski do krojenia
  Kitchen scissors|Küchenschere|ciseaux de cuisine|tijeras de cocina|nożyczki kuchenne
 Small appliances [appliance 15-650]
  Kettles|Wasserkocher|bouilloires|hervidores|czajniki|電気ケトル
  Toasters|Toaster|grille-pain|tostadoras|tostery
  Blenders|Standmixer|blenders|batidoras de vaso|blendery
  Stand mixers|Küchenmaschine|robots pâtissiers|robots de cocina|roboty kuchenne
  Air fryers|Heißluftfritteuse|friteuses à air|freidoras de aire|frytkownice beztłuszczowe
  Rice cookers|Reiskocher|cuiseurs à riz|arroceras|ryżowary|炊飯器
 Coffee [appliance 8-1400]
  Espresso machines|Espressomaschine|machines à expresso|cafeteras espresso|ekspresy ciśnieniowe|エスプレッソマシン
  Coffee grinders|Kaffeemühle|moulins à café|molinillos de café|młynki do kawy
  French presses|French-Press-Kanne|cafetières à piston|cafeteras de émbolo|zaparzacze do kawy
  Milk frothers|Milchaufschäumer|mousseurs à lait|espumadores de leche|spieniacze do mleka
  Filter coffee machines|Filterkaffeemaschine|cafetières filtre|cafeteras de goteo|ekspresy przelewowe
 Large appliances [appliance 150-1900]
  Fridge freezers|Kühl-Gefrierkombination|réfrigérateurs combinés|frigoríficos combinados|lodówki|冷蔵庫
  Dishwashers|Geschirrspüler|lave-vaisselle|lavavajillas|zmywarki
  Ovens|Backofen|fours|hornos|piekarniki
  Microwaves|Mikrowelle|micro-ondes|microondas|kuchenki mikrofalowe|電子レンジ
  Washing machines|Waschmaschine|lave-linge|lavadoras|pralki
 Tableware [tableware 4-180]
  Dinner plates|Speiseteller|assiettes|platos llanos|talerze obiadowe
  Wine glasses|Weinglas|verres à vin|copas de vino|kieliszki do wina
  Coffee mugs|Kaffeebecher|mugs à café|tazas de café|kubki do kawy|マグカップ
  Cutlery sets|Besteckset|ménagères|cuberterías|zestawy sztućców
  Salad bowls|Salatschüssel|saladiers|ensaladeras|salaterki
 Food storage [bottle 4-90]
  Lunch boxes|Brotdose|boîtes à repas|fiambreras|pudełka śniadaniowe|弁当箱
  Storage jars|Vorratsglas|bocaux|tarros|słoiki
  Carafes|Karaffe|carafes|jarras|karafki
  Teapots|Teekanne|théières|teteras|dzbanki do herbaty|急須
 Baking [cookware 4-90]
  Cake tins|Kuchenform|moules à gâteau|moldes para tartas|formy do ciasta
  Rolling pins|Nudelholz|rouleaux à pâtisserie|rodillos de cocina|wałki do ciasta
  Mixing bowls|Rührschüssel|bols mélangeurs|boles|miski kuchenne
  Kitchen scales|Küchenwaage|balances de cuisine|básculas de cocina|wagi kuchenne
"""
