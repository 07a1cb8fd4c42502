"""Office and car."""

TREE = """
Office & Car
 Office furniture [furniture 45-1300]
  Office chairs|Bürostuhl|chaises de bureau|sillas de oficina|krzesła biurowe|オフィスチェア
  Standing desks|höhenverstellbarer Schreibtisch|bureaux assis-debout|escritorios elevables|biurka z regulacją|昇降デスク
  Desks|Schreibtisch|bureaux|escritorios|biurka
  Filing cabinets|Aktenschrank|classeurs à tiroirs|archivadores|szafy na akta
 Writing [paper 2-140]
  Fountain pens|Füllfederhalter|stylos plume|plumas estilográficas|pióra wieczne|万年筆
  Ballpoint pens|Kugelschreiber|stylos à bille|bolígrafos|długopisy|ボールペン
  Highlighters|Textmarker|surligneurs|subrayadores|zakreślacze
  Pencils|Bleistift|crayons à papier|lápices|ołówki
 Paper [paper 2-60]
  Notebooks and journals|Notizbuch|carnets|cuadernos|notesy|ノート
  Printer paper|Druckerpapier|ramettes de papier|papel de impresora|papier do drukarki
  Sticky notes|Haftnotiz|notes adhésives|notas adhesivas|karteczki samoprzylepne|付箋
  Envelopes|Briefumschlag|enveloppes|sobres|koperty
  Calendars|Kalender|calendriers|calendarios|kalendarze
 Desk [handtool 2-110]
  Staplers|Hefter|agrafeuses|grapadoras|zszywacze
  Hole punches|Locher|perforateurs de bureau|perforadoras|dziurkacze
  Scissors|Schere|ciseaux|tijeras|nożyczki
  Paper shredders|Aktenvernichter|destructeurs de documents|destructoras de papel|niszczarki
 Presentation [paper 6-420]
  Whiteboards|Whiteboard|tableaux blancs|pizarras blancas|tablice suchościeralne|ホワイトボード
  Flip charts|Flipchart|paperboards|rotafolios|flipcharty
  Laminators|Laminiergerät|plastifieuses|plastificadoras|laminatory
 Car care [bottle 3-90]
  Engine oils|Motoröl|huiles moteur|aceites de motor|oleje silnikowe|エンジンオイル
  Car shampoos|Autoshampoo|shampooings auto|champús para coche|szampony samochodowe
  Screenwash|Scheibenfrostschutz|lave-glaces|limpiaparabrisas líquido|płyny do spryskiwaczy
 Car accessories [car 5-420]
  Roof boxes|Dachbox|coffres de toit|cofres de techo|boksy dachowe
  Floor mats|Fußmatte|tapis de voiture|alfombrillas|dywaniki samochodowe
  Jump starters|Starthilfegerät|boosters de batterie|arrancadores de batería|urządzenia rozruchowe
  Car phone holders|Handyhalterung|supports téléphone voiture|soportes de móvil para coche|uchwyty samochodowe
  Snow chains|Schneeketten|chaînes à neige|cadenas de nieve|łańcuchy śniegowe
 Tyres [car 35-320]
  Winter tyres|Winterreifen|pneus hiver|neumáticos de invierno|opony zimowe|スタッドレスタイヤ
  Summer tyres|Sommerreifen|pneus été|neumáticos de verano|opony letnie
  All-season tyres|Ganzjahresreifen|pneus toutes saisons|neumáticos all season|opony całoroczne
"""
