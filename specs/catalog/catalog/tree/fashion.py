"""Clothes, shoes, bags."""

TREE = """
Fashion
 Jackets [garment 30-520]
  Rain jackets|Regenjacke|vestes de pluie|chubasqueros|kurtki przeciwdeszczowe|レインジャケット
  Down jackets|Daunenjacke|doudounes|chaquetas de plumas|kurtki puchowe|ダウンジャケット
  Leather jackets|Lederjacke|blousons en cuir|chaquetas de cuero|kurtki skórzane
  Denim jackets|Jeansjacke|vestes en jean|chaquetas vaqueras|kurtki dżinsowe
  Fleece jackets|Fleecejacke|vestes polaires|forros polares|bluzy polarowe
  Winter coats|Wintermantel|manteaux d'hiver|abrigos de invierno|płaszcze zimowe
 Tops [garment 8-120]
  T-shirts|T-Shirt|tee-shirts|camisetas|koszulki|Tシャツ
  Shirts|Hemd|chemises|camisas|koszule
  Hoodies|Kapuzenpullover|sweats à capuche|sudaderas con capucha|bluzy z kapturem
  Jumpers|Strickpullover|pulls|jerséis|swetry
  Polo shirts|Poloshirt|polos|polos|koszulki polo
  Blouses|Bluse|chemisiers|blusas|bluzki
 Trousers [garment 15-180]
  Jeans|Jeans|jeans|vaqueros|dżinsy|ジーンズ
  Chinos|Chinohose|pantalons chino|pantalones chinos|chinosy
  Leggings|Leggings|leggings|mallas|legginsy
  Shorts|kurze Hose|shorts|pantalones cortos|szorty
  Joggers|Jogginghose|pantalons de jogging|pantalones de chándal|spodnie dresowe
 Dresses [garment 18-320]
  Summer dresses|Sommerkleid|robes d'été|vestidos de verano|sukienki letnie|ワンピース
  Evening dresses|Abendkleid|robes de soirée|vestidos de noche|suknie wieczorowe
  Skirts|Rock|jupes|faldas|spódnice
  Jumpsuits|Overall|combinaisons|monos|kombinezony
 Shoes [shoe 18-340]
  Sneakers|Sneaker|baskets|zapatillas|sneakersy|スニーカー
  Ankle boots|Stiefelette|bottines|botines|botki
  Loafers|Slipper|mocassins|mocasines|mokasyny
  High heels|Pumps|escarpins|zapatos de tacón|szpilki
  Slippers|Hausschuh|pantoufles|pantuflas|kapcie
  Wellington boots|Gummistiefel|bottes de pluie|botas de agua|kalosze
 Bags [bag 15-460]
  Backpacks|Rucksack|sacs à dos|mochilas|plecaki|リュックサック
  Handbags|Handtasche|sacs à main|bolsos|torebki
  Suitcases|Koffer|valises|maletas|walizki|スーツケース
  Wallets|Geldbörse|portefeuilles|carteras|portfele
  Laptop bags|Laptoptasche|sacoches d'ordinateur|maletines|torby na laptopa
 Accessories [garment 6-220]
  Scarves|Schal|écharpes|bufandas|szaliki
  Belts|Gürtel|ceintures|cinturones|paski
  Sunglasses|Sonnenbrille|lunettes de soleil|gafas de sol|okulary przeciwsłoneczne
  Umbrellas|Regenschirm|parapluies|paraguas|parasole|傘
  Beanies|Strickmütze|bonnets|gorros|czapki
 Underwear [garment 5-70]
  Socks|Socken|chaussettes|calcetines|skarpety|靴下
  Boxer shorts|Boxershorts|caleçons|calzoncillos|bokserki
  Pyjamas|Schlafanzug|pyjamas|pijamas|piżamy
  Bras|BH|soutiens-gorge|sujetadores|biustonosze
"""
