"""Furniture, light and textiles."""

TREE = """
Home & Living
 Seating [furniture 40-1900]
  Sofas|Sofa|canapés|sofás|sofy|ソファ
  Armchairs|Sessel|fauteuils|sillones|fotele
  Dining chairs|Esszimmerstuhl|chaises de salle à manger|sillas de comedor|krzesła do jadalni
  Bar stools|Barhocker|tabourets de bar|taburetes de bar|hokery
  Bean bags|Sitzsack|poufs poires|pufs|pufy
 Tables [furniture 35-1500]
  Dining tables|Esstisch|tables à manger|mesas de comedor|stoły do jadalni|ダイニングテーブル
  Coffee tables|Couchtisch|tables basses|mesas de centro|ławy
  Bedside tables|Nachttisch|tables de chevet|mesitas de noche|szafki nocne
  Console tables|Konsolentisch|consoles|consolas|konsole
 Storage [furniture 25-1600]
  Wardrobes|Kleiderschrank|armoires|armarios|szafy
  Bookcases|Bücherregal|bibliothèques|estanterías|regały na książki|本棚
  Shoe cabinets|Schuhschrank|meubles à chaussures|zapateros|szafki na buty
  Chests of drawers|Kommode|commodes|cómodas|komody
  Storage boxes|Aufbewahrungsbox|boîtes de rangement|cajas de almacenaje|pudełka do przechowywania
 Beds [furniture 60-2200]
  Bed frames|Bettgestell|cadres de lit|estructuras de cama|ramy łóżek
  Mattresses|Matratze|matelas|colchones|materace|マットレス
  Bunk beds|Etagenbett|lits superposés|literas|łóżka piętrowe
  Sofa beds|Schlafsofa|canapés-lits|sofás cama|kanapy rozkładane
 Bedding [textile 10-260]
  Duvets|Bettdecke|couettes|edredones|kołdry
  Pillows|Kopfkissen|oreillers|almohadas|poduszki|枕
  Bed linen|Bettwäsche|linge de lit|ropa de cama|pościel
  Blankets|Wolldecke|plaids|mantas|koce
  Fitted sheets|Spannbettlaken|draps-housses|sábanas bajeras|prześcieradła z gumką
 Decoration [textile 8-420]
  Curtains|Vorhang|rideaux|cortinas|zasłony|カーテン
  Rugs|Teppich|tapis|alfombras|dywany
  Cushions|Zierkissen|coussins|cojines|poduszki dekoracyjne
  Tablecloths|Tischdecke|nappes|manteles|obrusy
 Lighting [lamp 9-480]
  Floor lamps|Stehlampe|lampadaires|lámparas de pie|lampy podłogowe
  Desk lamps|Schreibtischlampe|lampes de bureau|flexos|lampki biurkowe|デスクライト
  Pendant lights|Pendelleuchte|suspensions|lámparas colgantes|lampy wiszące
  LED strips|LED-Streifen|rubans LED|tiras LED|taśmy LED
  Light bulbs|Glühbirne|ampoules|bombillas|żarówki
 Bathroom [textile 6-190]
  Bath towels|Badetuch|serviettes de bain|toallas de baño|ręczniki kąpielowe|バスタオル
  Bath mats|Badematte|tapis de bain|alfombras de baño|dywaniki łazienkowe
  Shower curtains|Duschvorhang|rideaux de douche|cortinas de ducha|zasłony prysznicowe
  Laundry baskets|Wäschekorb|paniers à linge|cestos de ropa|kosze na pranie
"""
