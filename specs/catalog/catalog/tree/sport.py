"""Sport and outdoor: a group a line with its profile and prices, then a leaf a line: en|de|fr|es|pl|ja."""

TREE = """
Sport & Outdoor
 Footwear [shoe 35-260]
  Hiking boots|Wanderstiefel|chaussures de randonnée|botas de senderismo|buty trekkingowe|登山靴
  Trail running shoes|Trailrunningschuh|chaussures de trail|zapatillas de trail|buty do biegania w terenie|トレイルランニングシューズ
  Climbing shoes|Kletterschuh|chaussons d'escalade|pies de gato|buty wspinaczkowe
  Running shoes|Laufschuh|chaussures de course|zapatillas de correr|buty do biegania|ランニングシューズ
  Football boots|Fußballschuh|chaussures de football|botas de fútbol|korki piłkarskie
  Trekking sandals|Trekkingsandale|sandales de marche|sandalias de trekking|sandały trekkingowe
 Camping [tent 20-480]
  Tents|Zelt|tentes|tiendas de campaña|namioty|テント
  Sleeping bags|Schlafsack|sacs de couchage|sacos de dormir|śpiwory|寝袋
  Camping mats|Isomatte|matelas de camping|esterillas|karimaty
  Camping stoves|Campingkocher|réchauds de camping|hornillos de camping|kuchenki turystyczne
  Headlamps|Stirnlampe|lampes frontales|linternas frontales|latarki czołowe|ヘッドランプ
  Hammocks|Hängematte|hamacs|hamacas|hamaki
 Drinking [bottle 8-60]
  Water bottles|Trinkflasche|gourdes|botellas de agua|bidony|水筒
  Vacuum flasks|Thermosflasche|bouteilles isothermes|termos|termosy|魔法瓶
  Hydration packs|Trinkrucksack|sacs d'hydratation|mochilas de hidratación|plecaki z bukłakiem
  Travel mugs|Thermobecher|mugs de voyage|tazas térmicas|kubki termiczne
 Kids' cycling [kidsbike 45-420]
  Kids' bikes|Kinderfahrrad|vélos enfant|bicicletas infantiles|rowery dziecięce|子供用自転車
  Balance bikes|Laufrad|draisiennes|bicicletas sin pedales|rowerki biegowe
 Cycling [bike 180-2900]
  Mountain bikes|Mountainbike|VTT|bicicletas de montaña|rowery górskie
  City bikes|Citybike|vélos de ville|bicicletas urbanas|rowery miejskie
  Road bikes|Rennrad|vélos de route|bicicletas de carretera|rowery szosowe
  Folding bikes|Klapprad|vélos pliants|bicicletas plegables|rowery składane
 Bike parts [sport 6-190]
  Bike helmets|Fahrradhelm|casques de vélo|cascos de bicicleta|kaski rowerowe
  Bike locks|Fahrradschloss|antivols de vélo|candados para bicicleta|zapięcia rowerowe
  Bike lights|Fahrradlampe|éclairages de vélo|luces de bicicleta|lampki rowerowe
  Bike tyres|Fahrradreifen|pneus de vélo|neumáticos de bicicleta|opony rowerowe
  Bike pumps|Luftpumpe|pompes à vélo|bombas de bicicleta|pompki rowerowe
 Fitness [sport 8-900]
  Dumbbells|Kurzhantel|haltères|mancuernas|hantle|ダンベル
  Yoga mats|Yogamatte|tapis de yoga|esterillas de yoga|maty do jogi
  Treadmills|Laufband|tapis de course|cintas de correr|bieżnie
  Kettlebells|Kugelhantel|kettlebells|pesas rusas|odważniki kulowe
  Resistance bands|Fitnessband|bandes élastiques|bandas elásticas|gumy oporowe
  Rowing machines|Rudergerät|rameurs|máquinas de remo|wioślarze
 Water sports [sport 10-700]
  Swimming goggles|Schwimmbrille|lunettes de natation|gafas de natación|okulary pływackie
  Paddle boards|Stand-up-Paddle-Board|planches de paddle|tablas de paddle surf|deski SUP
  Wetsuits|Neoprenanzug|combinaisons néoprène|trajes de neopreno|pianki neoprenowe
  Life jackets|Schwimmweste|gilets de sauvetage|chalecos salvavidas|kamizelki ratunkowe
  Snorkel sets|Schnorchelset|sets de plongée|kits de esnórquel|zestawy do nurkowania
 Winter sports [sport 15-650]
  Alpine skis|Alpinski|skis alpins|esquís alpinos|narty zjazdowe
  Ski goggles|Skibrille|masques de ski|gafas de esquí|gogle narciarskie
  Snowboards|Snowboard|planches de snowboard|tablas de snowboard|deski snowboardowe
  Ice skates|Schlittschuh|patins à glace|patines de hielo|łyżwy
  Sledges|Schlitten|luges|trineos|sanki
"""
