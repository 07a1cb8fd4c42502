"""Beauty and health."""

TREE = """
Beauty & Health
 Skin care [beauty 4-160]
  Face creams|Gesichtscreme|crèmes visage|cremas faciales|kremy do twarzy|フェイスクリーム
  Sunscreens|Sonnencreme|crèmes solaires|protectores solares|kremy z filtrem|日焼け止め
  Face serums|Gesichtsserum|sérums visage|sueros faciales|serum do twarzy
  Cleansing gels|Reinigungsgel|gels nettoyants|geles limpiadores|żele do mycia twarzy
  Body lotions|Körperlotion|laits corporels|lociones corporales|balsamy do ciała
 Hair care [beauty 3-90]
  Shampoos|Shampoo|shampooings|champús|szampony|シャンプー
  Conditioners|Haarspülung|après-shampooings|acondicionadores|odżywki do włosów
  Hair oils|Haaröl|huiles capillaires|aceites capilares|olejki do włosów
  Hair dyes|Haarfarbe|colorations|tintes|farby do włosów
 Hair tools [appliance 12-420]
  Hair dryers|Haartrockner|sèche-cheveux|secadores de pelo|suszarki do włosów|ドライヤー
  Straighteners|Glätteisen|lisseurs|planchas de pelo|prostownice
  Curling tongs|Lockenstab|fers à boucler|rizadores|lokówki
  Hair clippers|Haarschneider|tondeuses cheveux|cortapelos|maszynki do włosów
 Make-up [beauty 3-80]
  Lipsticks|Lippenstift|rouges à lèvres|pintalabios|szminki|口紅
  Mascaras|Wimperntusche|mascaras|rímeles|tusze do rzęs
  Foundations|Make-up-Grundierung|fonds de teint|bases de maquillaje|podkłady
  Nail polishes|Nagellack|vernis à ongles|esmaltes de uñas|lakiery do paznokci
 Fragrance [beauty 12-240]
  Eau de parfum|Eau de Parfum|eaux de parfum|perfumes|wody perfumowane|香水
  Aftershaves|Aftershave|après-rasages|lociones para después del afeitado|wody po goleniu
  Scented candles|Duftkerze|bougies parfumées|velas aromáticas|świece zapachowe
 Oral care [appliance 3-260]
  Electric toothbrushes|elektrische Zahnbürste|brosses à dents électriques|cepillos eléctricos|szczoteczki elektryczne|電動歯ブラシ
  Toothpaste|Zahnpasta|dentifrices|pasta de dientes|pasty do zębów
  Water flossers|Munddusche|hydropulseurs|irrigadores dentales|irygatory
 Shaving [appliance 6-360]
  Electric shavers|Elektrorasierer|rasoirs électriques|afeitadoras|golarki|電気シェーバー
  Razors|Nassrasierer|rasoirs|maquinillas de afeitar|maszynki do golenia
  Beard trimmers|Bartschneider|tondeuses à barbe|recortadores de barba|trymery do brody
 Health [appliance 8-240]
  Blood pressure monitors|Blutdruckmessgerät|tensiomètres|tensiómetros|ciśnieniomierze|血圧計
  Thermometers|Fieberthermometer|thermomètres|termómetros|termometry
  Massage guns|Massagepistole|pistolets de massage|pistolas de masaje|pistolety do masażu
  Bathroom scales|Personenwaage|pèse-personnes|básculas de baño|wagi łazienkowe|体重計
"""
