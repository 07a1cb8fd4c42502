"""Electronics."""

TREE = """
Electronics
 Headphones [audio 15-420]
  Over-ear headphones|Over-Ear-Kopfhörer|casques audio|auriculares de diadema|słuchawki nauszne|ヘッドホン
  Wireless earbuds|kabellose Ohrhörer|écouteurs sans fil|auriculares inalámbricos|słuchawki bezprzewodowe|ワイヤレスイヤホン
  Gaming headsets|Gaming-Headset|casques gamer|cascos gaming|słuchawki dla graczy
  Sports earphones|Sportkopfhörer|écouteurs de sport|auriculares deportivos|słuchawki sportowe
 Speakers [audio 18-900]
  Bluetooth speakers|Bluetooth-Lautsprecher|enceintes Bluetooth|altavoces Bluetooth|głośniki Bluetooth|スピーカー
  Soundbars|Soundbar|barres de son|barras de sonido|soundbary
  Bookshelf speakers|Regallautsprecher|enceintes bibliothèque|altavoces de estantería|kolumny podstawkowe
  Record players|Plattenspieler|platines vinyle|tocadiscos|gramofony
  Radios|DAB-Radio|postes de radio|radios|radioodbiorniki
 Computers [computer 180-2900]
  Laptops|Notebook|ordinateurs portables|portátiles|laptopy|ノートパソコン
  Desktop computers|Desktop-PC|ordinateurs de bureau|ordenadores de sobremesa|komputery stacjonarne
  Monitors|Monitor|écrans d'ordinateur|monitores|monitory|モニター
  Tablets|Tablet|tablettes|tabletas|tablety
  Mini PCs|Mini-PC|mini PC|miniordenadores|mini komputery
 Peripherals [computer 9-260]
  Mechanical keyboards|mechanische Tastatur|claviers mécaniques|teclados mecánicos|klawiatury mechaniczne|キーボード
  Wireless mice|kabellose Maus|souris sans fil|ratones inalámbricos|myszy bezprzewodowe
  Webcams|Webcam|webcams|cámaras web|kamery internetowe
  External hard drives|externe Festplatte|disques durs externes|discos duros externos|dyski zewnętrzne
  USB hubs|USB-Hub|hubs USB|concentradores USB|huby USB
  Printers|Drucker|imprimantes|impresoras|drukarki
 Phones [phone 6-1400]
  Smartphones|Smartphone|smartphones|teléfonos móviles|smartfony|スマートフォン
  Phone cases|Handyhülle|coques de téléphone|fundas de móvil|etui na telefon|スマホケース
  Power banks|Powerbank|batteries externes|baterías portátiles|powerbanki
  Chargers|Ladegerät|chargeurs|cargadores|ładowarki
  Smartwatches|Smartwatch|montres connectées|relojes inteligentes|smartwatche
 Cameras [camera 25-2600]
  Mirrorless cameras|Systemkamera|appareils photo hybrides|cámaras sin espejo|bezlusterkowce|ミラーレスカメラ
  Action cameras|Actionkamera|caméras d'action|cámaras de acción|kamery sportowe
  Camera lenses|Objektiv|objectifs photo|objetivos de cámara|obiektywy
  Tripods|Stativ|trépieds|trípodes|statywy
  Dash cams|Dashcam|caméras embarquées|cámaras de coche|wideorejestratory
 Television [computer 25-2400]
  Televisions|Fernseher|téléviseurs|televisores|telewizory|テレビ
  Projectors|Beamer|vidéoprojecteurs|proyectores|projektory
  Streaming sticks|Streaming-Stick|clés de streaming|reproductores de streaming|odtwarzacze strumieniowe
  TV wall mounts|TV-Wandhalterung|supports muraux TV|soportes de pared para TV|uchwyty ścienne do TV
 Smart home [lamp 10-300]
  Smart bulbs|smarte Glühbirne|ampoules connectées|bombillas inteligentes|inteligentne żarówki
  Smart plugs|smarte Steckdose|prises connectées|enchufes inteligentes|inteligentne gniazdka
  Security cameras|Überwachungskamera|caméras de surveillance|cámaras de vigilancia|kamery monitoringu
  Smart thermostats|smartes Thermostat|thermostats connectés|termostatos inteligentes|inteligentne termostaty
  Video doorbells|Video-Türklingel|sonnettes vidéo|videotimbres|wideodomofony
"""
