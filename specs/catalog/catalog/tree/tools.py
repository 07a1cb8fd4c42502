"""Tools and building."""

TREE = """
Tools & DIY
 Cordless tools [powertool 45-420]
  Cordless drills|Akkuschrauber|perceuses-visseuses sans fil|taladros inalámbricos|wiertarko-wkrętarki|充電ドライバー
  Impact drivers|Schlagschrauber|visseuses à choc|atornilladores de impacto|zakrętarki udarowe|インパクトドライバー
  Cordless circular saws|Akku-Handkreissäge|scies circulaires sans fil|sierras circulares inalámbricas|pilarki akumulatorowe
  Cordless jigsaws|Akku-Stichsäge|scies sauteuses sans fil|sierras de calar inalámbricas|wyrzynarki akumulatorowe
  Angle grinders|Winkelschleifer|meuleuses d'angle|amoladoras angulares|szlifierki kątowe
  Tool batteries|Werkzeugakku|batteries d'outils|baterías de herramientas|akumulatory do narzędzi
 Mains tools [mains 35-600]
  Hammer drills|Bohrhammer|perforateurs|martillos perforadores|młotowiertarki
  Table saws|Tischkreissäge|scies sur table|sierras de mesa|pilarki stołowe
  Orbital sanders|Exzenterschleifer|ponceuses excentriques|lijadoras orbitales|szlifierki mimośrodowe
  Heat guns|Heißluftpistole|décapeurs thermiques|pistolas de calor|opalarki
  Wet and dry vacuums|Nass-Trockensauger|aspirateurs eau et poussière|aspiradores en seco y húmedo|odkurzacze przemysłowe
 Hand tools [handtool 4-160]
  Screwdriver sets|Schraubendrehersatz|jeux de tournevis|juegos de destornilladores|zestawy wkrętaków|ドライバーセット
  Claw hammers|Klauenhammer|marteaux de charpentier|martillos de uña|młotki ciesielskie
  Socket sets|Steckschlüsselsatz|coffrets de douilles|juegos de llaves de vaso|zestawy kluczy nasadowych
  Pliers|Kombizange|pinces universelles|alicates|kombinerki
  Spirit levels|Wasserwaage|niveaux à bulle|niveles de burbuja|poziomice
  Hand saws|Handsäge|scies à main|serruchos|piły ręczne
 Measuring [handtool 5-320]
  Tape measures|Maßband|mètres ruban|cintas métricas|miary zwijane
  Laser distance meters|Laser-Entfernungsmesser|télémètres laser|medidores láser|dalmierze laserowe
  Multimeters|Multimeter|multimètres|multímetros|mierniki uniwersalne
  Calipers|Messschieber|pieds à coulisse|calibradores|suwmiarki
 Fixings [paper 2-45]
  Wood screws|Holzschraube|vis à bois|tornillos para madera|wkręty do drewna
  Wall plugs|Dübel|chevilles|tacos de pared|kołki rozporowe
  Hinges|Scharnier|charnières|bisagras|zawiasy
  Cable ties|Kabelbinder|serre-câbles|bridas|opaski zaciskowe
 Painting [bottle 3-120]
  Wall paint|Wandfarbe|peinture murale|pintura de pared|farba ścienna
  Wood stain|Holzlasur|lasure bois|barniz para madera|lakierobejca
  Paint rollers|Farbroller|rouleaux de peinture|rodillos de pintura|wałki malarskie
  Spray paint|Sprühlack|peinture en bombe|pintura en aerosol|farba w sprayu
 Workshop [furniture 20-700]
  Workbenches|Werkbank|établis|bancos de trabajo|stoły warsztatowe
  Tool boxes|Werkzeugkoffer|boîtes à outils|cajas de herramientas|skrzynki narzędziowe
  Ladders|Leiter|échelles|escaleras|drabiny|はしご
  Storage racks|Lagerregal|rayonnages|estanterías metálicas|regały magazynowe
 Safety [garment 5-140]
  Work gloves|Arbeitshandschuh|gants de travail|guantes de trabajo|rękawice robocze
  Safety goggles|Schutzbrille|lunettes de protection|gafas de protección|okulary ochronne
  Ear defenders|Gehörschutz|casques antibruit|protectores auditivos|nauszniki ochronne
  Hard hats|Schutzhelm|casques de chantier|cascos de obra|kaski budowlane
"""
