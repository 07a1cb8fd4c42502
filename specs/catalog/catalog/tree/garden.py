"""Garden and pets."""

TREE = """
Garden & Pets
 Lawn [powertool 30-1900]
  Lawn mowers|Rasenmäher|tondeuses à gazon|cortacéspedes|kosiarki|芝刈り機
  Grass trimmers|Rasentrimmer|coupe-bordures|desbrozadoras|podkaszarki
  Robotic mowers|Mähroboter|robots tondeuses|robots cortacésped|roboty koszące
  Leaf blowers|Laubbläser|souffleurs de feuilles|sopladores de hojas|dmuchawy do liści
  Hedge trimmers|Heckenschere|taille-haies|cortasetos|nożyce do żywopłotu
 Watering [bottle 5-160]
  Garden hoses|Gartenschlauch|tuyaux d'arrosage|mangueras de jardín|węże ogrodowe|散水ホース
  Watering cans|Gießkanne|arrosoirs|regaderas|konewki|じょうろ
  Sprinklers|Rasensprenger|arroseurs|aspersores|zraszacze
  Rain barrels|Regentonne|récupérateurs d'eau|depósitos de lluvia|zbiorniki na deszczówkę
 Garden tools [handtool 6-140]
  Spades|Spaten|bêches|palas|szpadle
  Secateurs|Gartenschere|sécateurs|tijeras de podar|sekatory|剪定鋏
  Rakes|Harke|râteaux|rastrillos|grabie
  Wheelbarrows|Schubkarre|brouettes|carretillas|taczki
 Garden furniture [furniture 25-1600]
  Garden tables|Gartentisch|tables de jardin|mesas de jardín|stoły ogrodowe
  Sun loungers|Sonnenliege|bains de soleil|tumbonas|leżaki
  Parasols|Sonnenschirm|parasols|sombrillas|parasole ogrodowe
  Garden benches|Gartenbank|bancs de jardin|bancos de jardín|ławki ogrodowe
 Barbecue [cookware 10-980]
  Gas barbecues|Gasgrill|barbecues à gaz|barbacoas de gas|grille gazowe|ガスグリル
  Charcoal barbecues|Holzkohlegrill|barbecues à charbon|barbacoas de carbón|grille węglowe
  Fire pits|Feuerschale|braseros|braseros de jardín|paleniska
  Pizza ovens|Pizzaofen|fours à pizza|hornos de pizza|piece do pizzy
 Plants [garden 2-80]
  Flower pots|Blumentopf|pots de fleurs|macetas|doniczki|植木鉢
  Potting soil|Blumenerde|terreau|sustrato|ziemia ogrodowa
  Fertilisers|Dünger|engrais|fertilizantes|nawozy
  Seeds|Saatgut|graines|semillas|nasiona
 Dogs [pet 4-220]
  Dog food|Hundefutter|croquettes pour chien|pienso para perros|karma dla psa|ドッグフード
  Dog beds|Hundebett|paniers pour chien|camas para perros|legowiska dla psa
  Dog leads|Hundeleine|laisses|correas|smycze
  Dog toys|Hundespielzeug|jouets pour chien|juguetes para perros|zabawki dla psa
 Cats [pet 3-190]
  Cat food|Katzenfutter|croquettes pour chat|pienso para gatos|karma dla kota|キャットフード
  Cat trees|Kratzbaum|arbres à chat|rascadores|drapaki|キャットタワー
  Cat litter|Katzenstreu|litières|arena para gatos|żwirek dla kota
  Cat flaps|Katzenklappe|chatières|gateras|klapki dla kota
 Aquarium [pet 4-480]
  Aquariums|Aquarium|aquariums|acuarios|akwaria|水槽
  Aquarium filters|Aquarienfilter|filtres d'aquarium|filtros de acuario|filtry akwariowe
  Fish food|Fischfutter|nourriture pour poissons|comida para peces|pokarm dla ryb
"""
