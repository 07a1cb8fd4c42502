"""Toys, baby, school."""

TREE = """
Kids & Baby
 Building toys [toy 8-260]
  Building blocks|Bauklotz|cubes de construction|bloques de construcción|klocki|積み木
  Marble runs|Kugelbahn|circuits à billes|circuitos de canicas|kulodromy
  Model kits|Modellbausatz|maquettes|maquetas|modele do sklejania|プラモデル
  Train sets|Eisenbahnset|trains électriques|trenes de juguete|kolejki
 Dolls [toy 8-140]
  Dolls|Puppe|poupées|muñecas|lalki
  Doll's houses|Puppenhaus|maisons de poupée|casas de muñecas|domki dla lalek
  Cuddly toys|Kuscheltier|peluches|peluches de felpa|maskotki|ぬいぐるみ
  Hand puppets|Handpuppe|marionnettes|títeres|pacynki
 Games [toy 6-90]
  Board games|Brettspiel|jeux de société|juegos de mesa|gry planszowe|ボードゲーム
  Jigsaw puzzles|Puzzle|puzzles|rompecabezas|układanki
  Card games|Kartenspiel|jeux de cartes|juegos de cartas|gry karciane
  Chess sets|Schachspiel|jeux d'échecs|juegos de ajedrez|szachy
 Outdoor toys [toy 8-480]
  Trampolines|Trampolin|trampolines|camas elásticas|trampoliny
  Sandpits|Sandkasten|bacs à sable|areneros|piaskownice
  Scooters|Roller|trottinettes|patinetes|hulajnogi|キックボード
  Swings|Schaukel|balançoires|columpios|huśtawki
  Water pistols|Wasserpistole|pistolets à eau|pistolas de agua|pistolety na wodę
 Baby gear [baby 12-980]
  Pushchairs|Kinderwagen|poussettes|carritos de bebé|wózki dziecięce|ベビーカー
  Car seats|Kindersitz|sièges auto|sillas de coche|foteliki samochodowe
  High chairs|Hochstuhl|chaises hautes|tronas|krzesełka do karmienia
  Baby carriers|Babytrage|porte-bébés|portabebés|nosidełka
  Cots|Babybett|lits bébé|cunas|łóżeczka
 Baby care [baby 4-120]
  Nappies|Windeln|couches|pañales|pieluchy|おむつ
  Baby bottles|Babyflasche|biberons|biberones|butelki dla niemowląt
  Baby monitors|Babyphone|babyphones|vigilabebés|nianie elektroniczne
  Dummies|Schnuller|tétines|chupetes|smoczki
 School [bag 5-220]
  School bags|Schulranzen|cartables|mochilas escolares|tornistry|ランドセル
  Pencil cases|Federmäppchen|trousses|estuches|piórniki
  Crayons|Wachsmalstift|crayons de couleur|ceras de colores|kredki
 Ride-ons [kidsbike 30-420]
  Tricycles|Dreirad|tricycles|triciclos|rowerki trójkołowe
  Go-karts|Gokart|karts à pédales|karts de pedales|gokarty
  Electric ride-on cars|Kinder-Elektroauto|voitures électriques enfant|coches eléctricos infantiles|samochody na akumulator
"""
