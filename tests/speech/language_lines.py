"""Labelled texts for the language gates: what people write to a voice agent, in many hands and shapes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

PROMPTS: dict[str, tuple[str, ...]] = {
    "en": (
        "Call the customer back and ask when the plumber may come.",
        "Confirm tomorrow's appointment at ten and offer another slot if they cannot make it.",
        "You are Grace, the receptionist of a small dental practice. Greet the caller, find out what hurts, and book "
        "the earliest visit. Never give medical advice; if it sounds urgent, offer to put them through to a nurse.",
        "Remind people politely that their library books are overdue, and mention the fine only when asked.",
        "Hi there, this is the night desk at the Harbour Hotel, am I speaking with the guest in the corner room?",
        "Ask how satisfied they were with the delivery, on a scale from one to five, and why.",
        "Find out whether the warehouse still has the blue bicycles in stock and what two of them would cost.",
        "The person you are calling signed up on our website yesterday. Thank them, answer questions about the trial, "
        "and see whether a short demo next week would help. Keep each turn under two sentences.",
        "Please tell my landlord that the heating has been off since Sunday and that we need someone today.",
        "Take a message, repeat it back slowly, and promise that somebody returns the call within the hour.",
        "Order from Trattoria Bella Napoli: two margheritas, one tiramisu, pickup at seven under the name O'Brien.",
        "Renewal reminder for Peugeot and Citroën owners: the warranty ends soon, ask if they want to extend it.",
        "Survey pharmacies about how long patients wait for their prescriptions on Mondays.",
        "Only speak when the other side has finished, and hang up gently if they are not interested.",
    ),
    "fr": (
        "Rappelle le client et demande-lui quand le plombier peut passer.",
        "Confirmez le rendez-vous de demain matin et proposez un autre créneau en cas d'empêchement.",
        "Tu es Camille, l'hôtesse d'accueil d'un cabinet dentaire. Salue la personne, demande où elle a mal et propose "
        "la première visite libre. Ne donne jamais de conseil médical ; si cela paraît urgent, passe une infirmière.",
        "Rappelez gentiment que les livres empruntés sont en retard, sans parler d'amende sauf si on vous le demande.",
        "Bonsoir, ici la réception de l'hôtel du Port, je parle bien à la personne de la chambre d'angle ?",
        "Demande si la livraison s'est bien passée, note la réponse de un à cinq et cherche pourquoi.",
        "Renseigne-toi pour savoir s'il reste des vélos bleus à l'entrepôt et combien coûtent les deux.",
        "La personne que tu appelles s'est inscrite hier sur notre site. Remercie-la, réponds à ses questions sur la "
        "période d'essai et vois si une courte démonstration la semaine prochaine lui serait utile.",
        "Dites à mon propriétaire que le chauffage est coupé depuis dimanche et qu'il nous faut quelqu'un aujourd'hui.",
        "Prends le message, répète-le lentement et promets qu'on rappellera dans l'heure.",
        "Passe commande chez McDonald's : deux menus et un Coca-Cola, à retirer vers dix-neuf heures.",
        "Relance les prospects qui ont téléchargé notre white paper sur le cloud et propose un call avec un expert.",
        "Enquête auprès des pharmacies : combien de temps les patients attendent-ils leurs médicaments le lundi ?",
        "Laisse toujours l'autre finir sa phrase et raccroche poliment si cela ne l'intéresse pas.",
    ),
    "es": (
        "Devuélvele la llamada al cliente y pregunta cuándo puede venir el fontanero.",
        "Confirma la cita de mañana por la mañana y ofrece otra hora si no le viene bien.",
        "Eres Lucía, la recepcionista de una clínica dental pequeña. Saluda, averigua qué le duele y reserva la "
        "primera visita libre. No des consejos médicos; si parece urgente, ofrece pasarle con una enfermera.",
        "Recuerda con amabilidad que los libros de la biblioteca están vencidos y menciona la multa solo si preguntan.",
        "Buenas noches, le llamamos de la recepción del hotel del Puerto, ¿hablo con el huésped de la esquina?",
        "Pregunta si quedaron contentos con la entrega, del uno al cinco, y por qué motivo.",
        "Averigua si en el almacén quedan bicicletas azules y cuánto costarían dos de ellas.",
        "La persona a la que llamas se registró ayer en nuestra página. Dale las gracias, responde sus dudas sobre la "
        "prueba y mira si le ayudaría una demostración corta la semana que viene.",
        "Dile a mi casero que no hay calefacción desde el domingo y que necesitamos a alguien hoy mismo.",
        "Toma el recado, repítelo despacio y promete que alguien llamará antes de una hora.",
        "Haz un pedido en Burger King: dos hamburguesas y una Pepsi, para recoger a las siete.",
        "Oye, checa si el taller ya tiene listo el carro de mi mamá y cuánto va a salir.",
        "Encuesta a las farmacias: cuánto esperan los pacientes por sus medicinas los lunes.",
        "Deja siempre que la otra persona termine y cuelga con educación si no le interesa.",
    ),
    "de": (
        "Ruf den Kunden zurück und frag, wann der Klempner kommen darf.",
        "Bestätige den Termin morgen früh und biete einen anderen an, falls er nicht passt.",
        "Du bist Greta am Empfang einer kleinen Zahnarztpraxis. Begrüße die Leute, finde heraus, was weh tut, und "
        "vergib den nächsten freien Termin. Gib keinen ärztlichen Rat; wenn es dringend klingt, verbinde weiter.",
        "Erinnere freundlich daran, dass die Bücher überfällig sind, und nenne die Gebühr nur auf Nachfrage.",
        "Guten Abend, hier ist der Empfang vom Hotel am Hafen, spreche ich mit dem Gast aus dem Eckzimmer?",
        "Frag, wie zufrieden sie mit der Lieferung waren, von eins bis fünf, und warum.",
        "Finde heraus, ob im Lager noch blaue Fahrräder stehen und was zwei davon kosten würden.",
        "Die Person hat sich gestern auf unserer Seite angemeldet. Bedanke dich, beantworte Fragen zur Testphase und "
        "schau, ob eine kurze Vorführung nächste Woche hilfreich wäre.",
        "Sagen Sie meinem Vermieter bitte, dass die Heizung seit Sonntag ausfällt und heute jemand kommen muss.",
        "Nimm die Nachricht auf, wiederhole sie langsam und versprich einen Rückruf innerhalb einer Stunde.",
        "Bestelle bei Pizza Hut zwei Pizzen und eine Cola, Abholung gegen sieben auf den Namen Schröder.",
        "Das Meeting mit dem Sales-Team wird gecancelt, bitte einen neuen Slot im Kalender vorschlagen.",
        "Befrage Apotheken, wie lange Patienten montags auf ihre Medikamente warten.",
        "Lass die andere Seite immer ausreden und leg höflich auf, wenn kein Interesse besteht.",
    ),
    "it": (
        "Richiama il cliente e chiedi quando può passare l'idraulico.",
        "Conferma l'appuntamento di domani mattina e proponi un altro orario se non va bene.",
        "Sei Giulia, alla reception di un piccolo studio dentistico. Saluta chi chiama, scopri cosa gli fa male e "
        "prenota la prima visita libera. Non dare consigli medici; se sembra urgente, passa l'infermiera.",
        "Ricorda con gentilezza che i libri della biblioteca sono scaduti e parla della multa solo se te lo chiedono.",
        "Buonasera, chiamo dalla reception dell'albergo del Porto, parlo con l'ospite della camera d'angolo?",
        "Chiedi se sono rimasti contenti della consegna, da uno a cinque, e per quale motivo.",
        "Scopri se in magazzino ci sono ancora le biciclette blu e quanto costerebbero due di loro.",
        "La persona che chiami si è iscritta ieri sul nostro sito. Ringraziala, rispondi alle domande sulla prova e "
        "vedi se una breve dimostrazione la settimana prossima le sarebbe utile.",
        "Di' al mio padrone di casa che il riscaldamento è spento da domenica e che serve qualcuno oggi.",
        "Prendi il messaggio, ripetilo lentamente e prometti che qualcuno richiamerà entro un'ora.",
        "Ordina da Starbucks due cappuccini e un muffin, ritiro alle sette a nome Bianchi.",
        "Il meeting con il team marketing salta, proponi un altro slot per la call della settimana.",
        "Indagine nelle farmacie: quanto aspettano i pazienti per le medicine il lunedì?",
        "Lascia sempre finire l'altra persona e riaggancia con garbo se non le interessa.",
    ),
    "pt": (
        "Ligue de volta para o cliente e pergunte quando o encanador pode passar.",
        "Confirme a consulta de amanhã de manhã e ofereça outro horário se não der certo.",
        "Você é a Júlia, recepcionista de um consultório odontológico. Cumprimente a pessoa, descubra o que dói e "
        "marque a primeira visita livre. Não dê conselhos médicos; se parecer urgente, passe para a enfermeira.",
        "Lembre com gentileza que os livros da biblioteca estão atrasados e só fale da multa se perguntarem.",
        "Boa noite, aqui é da recepção do hotel do Porto, estou falando com o hóspede do quarto da esquina?",
        "Pergunte se ficaram satisfeitos com a entrega, de um a cinco, e por qual motivo.",
        "Descubra se o armazém ainda tem as bicicletas azuis e quanto custariam duas delas.",
        "A pessoa se cadastrou ontem no nosso site. Agradeça, responda às dúvidas sobre o período de teste e veja se "
        "uma demonstração curta na semana que vem ajudaria.",
        "Diga ao meu senhorio que o aquecimento está desligado desde domingo e que precisamos de alguém hoje.",
        "Anote o recado, repita devagar e prometa que alguém retorna a ligação dentro de uma hora.",
        "Faça um pedido no Outback: duas porções e uma Fanta, para retirar às sete em nome de Souza.",
        "Olá, estou a ligar da oficina porque o seu automóvel já está pronto para levantar.",
        "Pesquisa com farmácias: quanto tempo os pacientes esperam pelos remédios na segunda-feira?",
        "Deixe sempre a outra pessoa terminar e desligue com educação se ela não tiver interesse.",
    ),
    "ru": (
        "Перезвони клиенту и спроси, когда может прийти сантехник.",
        "Подтвердите завтрашнюю запись на утро и предложите другое время, если не получится.",
        "Ты Анна, администратор небольшой стоматологии. Поздоровайся, узнай, что болит, и запиши на ближайшее "
        "свободное время. Не давай медицинских советов; если всё срочно, предложи соединить с медсестрой.",
        "Вежливо напомните, что книги пора вернуть в библиотеку, а о штрафе говорите, только если спросят.",
        "Добрый вечер, это администратор гостиницы у порта, я говорю с гостем из углового номера?",
        "Спроси, довольны ли они доставкой, по шкале от одного до пяти, и почему.",
        "Узнай, остались ли на складе синие велосипеды и сколько будут стоить два.",
        "Человек вчера зарегистрировался на нашем сайте. Поблагодари его, ответь на вопросы о пробном периоде и "
        "выясни, пригодится ли короткий показ на следующей неделе.",
        "Передайте хозяину квартиры, что отопление не работает с воскресенья и сегодня нужен мастер.",
        "Прими сообщение, медленно повтори его и пообещай, что перезвонят в течение часа.",
        "Закажи в KFC два бургера и Pepsi, заберём около семи на имя Кузнецова.",
        "Напомни про встречу с отделом маркетинга в Zoom и пришли ссылку после звонка.",
        "Опрос аптек: сколько пациенты ждут лекарства по понедельникам?",
        "Всегда давай собеседнику договорить и вежливо попрощайся, если ему неинтересно.",
    ),
    "zh": (
        "请给客户回电话，问一下水管工什么时候可以上门。",
        "确认明天上午的预约，如果对方来不了，就改到别的时间。",
        "你是一家小型牙科诊所的前台小林。先问候来电的人，问清楚哪里疼，然后安排最早的空位。不要给医疗建议，如果听起来很急，就转给护士。",
        "请客气地提醒读者图书已经逾期，除非对方问起，否则不要提罚款。",
        "晚上好，这里是港口酒店前台，请问您是住在转角房间的客人吗？",
        "问问他们对这次送货满意不满意，从一分到五分，原因是什么。",
        "打听一下仓库里还有没有蓝色的自行车，买两辆要多少钱。",
        "这位客户昨天在我们的网站上注册了。感谢他，回答关于试用期的问题，看看下周要不要安排一次简短的演示。",
        "麻烦告诉房东，暖气从星期天起就坏了，今天必须派人来修。",
        "記下留言，慢慢重複一次，並答應對方一小時內會有人回電。",
        "帮我在麦当劳点两份套餐和一杯可乐，七点去取，名字写王先生。",
        "提醒大家周五用 Zoom 开会，链接稍后发到微信群里。",
        "调查各家药店，病人星期一拿药要等多久。",
        "先讓對方把話說完，如果沒有興趣就禮貌地掛斷電話。",
    ),
}

# Terse, careless or half in another language: where a question is often the right answer.
TERSE: dict[str, tuple[str, ...]] = {
    "en": (
        "Quick check-in w/ Siobhán re: Kraków trip",
        "pls call back asap thx",
        "Book a table at Chez Panisse for 2",
        "Greet, qualify, close.",
        "Ask if Müller GmbH received invoice 4411",
        "Order sushi: 2x maki, 1x nigiri",
        "ROLE: Sales rep for Nestlé. GOAL: book a demo. TONE: friendly.",
        "Wake-up call for Mr. Nguyen, room 402",
        "Sell solar panels to homeowners in São Paulo",
        "You're Zoë from Café Lumière; invite guests to the vernissage",
        "if they say no just hang up lol",
        "Take orders at Taquería El Güero: tacos al pastor, quesadillas de huitlacoche and horchata",
    ),
    "fr": (
        "rdv demain 14h avec Mme Lefèvre, confirmer stp",
        "Relance facture impayée, ton ferme mais poli",
        "Vends des panneaux solaires aux propriétaires de Bruxelles",
        "T'es un coach sportif sympa, motive le client",
        "# Rôle\nTu vends du fromage\n# Tone\nFriendly",
        "salut c le garage ta voiture est prete",
        "Réserve une table chez Wagamama pour deux",
        "PRISE DE RENDEZ-VOUS CHEZ LE MEDECIN",
        "Mission : qualifier le lead, booker un meeting, update le CRM",
        "Bonjour {{name}}, ici Sophie de Decathlon !",
        "Ne pas insister si refus.",
        "Demander le numéro de dossier puis le code postal",
    ),
    "es": (
        "cita manana con el doctor, confirmar porfa",
        "Cobrar la factura vencida con tono firme",
        "Vende paneles solares en Houston",
        "Pedile al cliente que mande el comprobante, vos tranquilo",
        "# Role\nEres vendedor\n# Tone\nfriendly",
        "Reserva mesa en Olive Garden para dos",
        "CONFIRMAR ASISTENCIA A LA REUNION",
        "Oye wey, checa si ya llegó el pedido",
        "Hacer follow-up del lead y agendar un meeting",
        "Hola {{name}}, soy Ana de Zara",
        "No insistas si dicen que no.",
        "Pedir el número de expediente y el código postal",
    ),
    "de": (
        "Termin morgen 14 Uhr mit Frau Müller bestätigen",
        "Offene Rechnung anmahnen, freundlich aber bestimmt",
        "Verkaufe Solaranlagen an Hausbesitzer in Wien",
        "Reservier einen Tisch im Hard Rock Cafe",
        "TERMIN VEREINBAREN UND NACHFRAGEN",
        "Grüezi, hier ist die Garage, Ihr Auto ist fertig",
        "Den Lead qualifizieren und ein Meeting bookn",
        "Hallo {{name}}, hier ist Jan von Lidl",
        "Nicht drängen, wenn abgelehnt wird.",
        "Aktenzeichen und Postleitzahl erfragen",
        "moin, auto is fertig, kannst abholen",
        "# Role\nDu bist Verkäufer für Fenster\n# Goal\nTermin",
    ),
    "it": (
        "appuntamento domani alle 14 con la dottoressa, confermare",
        "Sollecita la fattura scaduta, tono fermo",
        "Vendi pannelli solari a Lugano",
        "Prenota un tavolo da Eataly per due",
        "CONFERMARE LA PRESENZA ALLA RIUNIONE",
        "Ciao, qui l'officina, la macchina e pronta",
        "Fai follow-up del lead e fissa un meeting",
        "Ciao {{name}}, sono Marco di Ferrero",
        "Non insistere se dicono di no.",
        "Chiedi il numero di pratica e il CAP",
        "Sei un coach simpatico, motiva il cliente",
        "# Role\nVendi formaggi\n# Tone\nfriendly",
    ),
    "pt": (
        "consulta amanha as 14h, confirmar por favor",
        "Cobrar a fatura vencida com tom firme",
        "Venda painéis solares em Lisboa",
        "Reserve uma mesa no Fogo de Chão para dois",
        "CONFIRMAR PRESENÇA NA REUNIÃO",
        "Oi, aqui é da oficina, seu carro tá pronto",
        "Fazer follow-up do lead e agendar um meeting",
        "Olá {{name}}, sou a Ana da Natura",
        "Não insista se disserem não.",
        "Peça o número do processo e o CEP",
        "Você é um coach legal, motive o cliente",
        "Estou a telefonar por causa da encomenda",
    ),
    "ru": (
        "запись завтра в 14, подтвердить",
        "Напомни об оплате счета, вежливо но твердо",
        "Продай окна жителям Алматы",
        "Забронируй столик в Starbucks на двоих",
        "ПОДТВЕРДИТЬ УЧАСТИЕ ВО ВСТРЕЧЕ",
        "Привет, это автосервис, машина готова",
        "Сделай follow-up лида и назначь митинг",
        "Здравствуйте, {{name}}, это Олег из Ozon",
        "Не настаивай при отказе.",
        "Спроси номер дела и индекс",
        "Ты тренер, поддержи клиента",
        "Узнай цену на iPhone 15 Pro Max в магазине",
    ),
    "zh": (
        "明天下午两点的预约，请确认",
        "催收逾期发票，语气坚定",
        "向深圳业主推销太阳能板",
        "在海底捞订两人桌",
        "你好，这里是4S店，您的车修好了",
        "跟进lead并安排meeting",
        "您好{{name}}，我是京东的小王",
        "对方拒绝就不要坚持。",
        "询问案件编号和邮编",
        "提醒客户更新iOS系统",
        "請確認明天的會議時間",
        "问下iPhone 15还有货吗",
    ),
}

# Languages no voice speaks; the label is for people, the gate counts only what comes out as one of the eight.
FOREIGN: tuple[tuple[str, str], ...] = (
    ("nl", "Bel de klant terug en vraag wanneer de loodgieter langs mag komen."),
    ("nl", "Bevestig de afspraak van morgenochtend en stel een ander tijdstip voor als het niet past."),
    ("nl", "Je bent de receptioniste van een tandartspraktijk; vraag vriendelijk waar het pijn doet."),
    ("nl", "Zeg tegen mijn huisbaas dat de verwarming sinds zondag kapot is."),
    ("nl", "Goedenavond, u spreekt met de receptie van het hotel aan de haven."),
    ("pl", "Oddzwoń do klienta i zapytaj, kiedy może przyjść hydraulik."),
    ("pl", "Potwierdź jutrzejszą wizytę i zaproponuj inny termin, jeśli ten nie pasuje."),
    ("pl", "Jesteś recepcjonistką w gabinecie dentystycznym, zapytaj grzecznie, co boli."),
    ("pl", "Powiedz właścicielowi, że ogrzewanie nie działa od niedzieli."),
    ("pl", "Dobry wieczór, tu recepcja hotelu przy porcie, czy rozmawiam z gościem?"),
    ("ja", "お客様に折り返し電話をして、水道屋がいつ伺えるか聞いてください。"),
    ("ja", "明日の予約を確認し、都合が悪ければ別の時間を提案してください。"),
    ("ja", "歯科医院の受付として、どこが痛いのか丁寧に尋ねてください。"),
    ("ja", "コンファレンスのスケジュールをキャンセルする。"),
    ("ja", "株式会社山田商事の担当者へ請求書番号4711の支払期限を伝える。"),
    ("th", "โทรหาลูกค้าเพื่อยืนยันนัดหมายพรุ่งนี้เวลา10โมงเช้า"),
    ("ar", "اتصل بالعميل واسأله متى يمكن أن يأتي السباك."),
    ("ar", "أكد موعد صباح الغد واقترح وقتًا آخر إذا لم يكن مناسبًا."),
    ("ar", "أنت موظفة استقبال في عيادة أسنان، اسأل بلطف أين الألم."),
    ("ar", "قل لصاحب المنزل إن التدفئة متوقفة منذ يوم الأحد."),
    ("tr", "Müşteriyi geri ara ve tesisatçının ne zaman gelebileceğini sor."),
    ("tr", "Yarın sabahki randevuyu onayla, uygun değilse başka bir saat öner."),
    ("tr", "Küçük bir diş kliniğinin resepsiyonistisin, neresinin ağrıdığını kibarca sor."),
    ("tr", "Ev sahibine kaloriferin pazar gününden beri çalışmadığını söyle."),
    ("sv", "Ring tillbaka till kunden och fråga när rörmokaren får komma."),
    ("sv", "Bekräfta mötet i morgon bitti och föreslå en annan tid om det inte passar."),
    ("sv", "Du är receptionist på en liten tandläkarmottagning, fråga vänligt var det gör ont."),
    ("sv", "Säg till min hyresvärd att värmen har varit borta sedan i söndags."),
    ("ko", "고객에게 다시 전화해서 배관공이 언제 방문해도 되는지 물어보세요."),
    ("ko", "내일 아침 예약을 확인하고 안 되면 다른 시간을 제안하세요."),
    ("ko", "치과 접수원으로서 어디가 아픈지 친절하게 물어보세요."),
    ("uk", "Передзвони клієнту й запитай, коли може прийти сантехнік."),
    ("uk", "Підтвердьте завтрашній запис і запропонуйте інший час, якщо не вийде."),
    ("uk", "Ти адміністраторка невеликої стоматології, чемно спитай, що болить."),
    ("uk", "Скажіть господарю, що опалення не працює з неділі."),
    ("uk", "Добрий вечір, це готель біля порту, чи говорю я з гостем?"),
    ("ca", "Truca al client i pregunta-li quan pot venir el lampista."),
    ("ca", "Confirma la cita de demà al matí i ofereix una altra hora si no li va bé."),
    ("ca", "Ets la recepcionista d'una clínica dental petita, saluda i esbrina què li fa mal."),
    ("ca", "Digues al propietari que la calefacció està apagada des de diumenge."),
    ("ca", "Bona nit, truquem des de la recepció de l'hotel del Port, parlo amb l'hoste?"),
    ("ro", "Sună clientul înapoi și întreabă când poate veni instalatorul."),
    ("ro", "Confirmă programarea de mâine dimineață și propune altă oră dacă nu se potrivește."),
    ("ro", "Ești recepționera unui cabinet stomatologic, întreabă politicos ce îl doare."),
    ("ro", "Spune-i proprietarului că încălzirea nu merge de duminică."),
    ("ro", "Bună seara, aici este recepția hotelului din port, vorbesc cu oaspetele?"),
    ("gl", "Chama ao cliente e pregúntalle cando pode vir o fontaneiro a arranxar as billas."),
    ("gl", "Confirma a cita de mañá pola mañá e ofrece outra hora se non lle vén ben."),
    ("da", "Ring tilbage til kunden og spørg, hvornår blikkenslageren må komme."),
    ("nb", "Ring tilbake til kunden og spør når rørleggeren kan komme i morgen."),
    ("bg", "Обади се на клиента и попитай кога може да дойде водопроводчикът."),
    ("sr", "Позови клијента и питај када водоинсталатер може да дође."),
    ("cs", "Zavolej zákazníkovi zpět a zeptej se, kdy může přijít instalatér."),
    ("el", "Κάλεσε ξανά τον πελάτη και ρώτησε πότε μπορεί να έρθει ο υδραυλικός."),
    ("hi", "ग्राहक को वापस फ़ोन करें और पूछें कि प्लंबर कब आ सकता है।"),
    ("vi", "Gọi lại cho khách hàng và hỏi khi nào thợ sửa ống nước có thể đến."),
    ("he", "התקשר בחזרה ללקוח ושאל מתי השרברב יכול לבוא."),
    ("id", "Telepon kembali pelanggan dan tanyakan kapan tukang ledeng boleh datang."),
    ("be", "Ператэлефануй кліенту і спытай, калі можа прыйсці сантэхнік."),
    ("hu", "Hívd vissza az ügyfelet, és kérdezd meg, mikor jöhet a vízszerelő."),
    ("fi", "Soita asiakkaalle takaisin ja kysy, milloin putkimies voi tulla."),
    ("eu", "Deitu bezeroari eta galdetu noiz etor daitekeen iturgina."),
    ("sk", "Zavolaj zákazníkovi späť a spýtaj sa, kedy môže prísť inštalatér."),
)

NO_LANGUAGE: tuple[str, ...] = (
    "",
    "   \n\t ",
    "👋",
    "📞📞📞 🙏🏽 👍",
    "OK",
    "42",
    "+33 1 42 68 53 00",
    "12:30 - 13:45 / 24.12.2026",
    "{{first_sentence}}",
    "{{greeting}} {{name}}, {{closing}}!",
    "{% if vip %}{{ vip_text }}{% endif %}",
    "${NAME} <b></b> <br/>",
    "```python\nprint('good morning everybody')\n```",
    "https://example.com/contact-us?lang=english",
    "someone@example.com",
    "--- *** ### |---|---|",
    "A1 B2 C3 D4",
    "...?!",
    "`curl -X POST`",
    "①②③ ½ №",
)

ROMANISED: tuple[str, ...] = (
    "Privet, kak dela? Ya zvonyu iz kliniki naschet zavtrashnego priyoma.",
    "Zdravstvuyte, pozhaluysta perezvonite nam segodnya vecherom.",
    "Skazhite pozhaluysta, kogda mozhet priyti santekhnik?",
    "Nin hao, qing wen nin shenme shihou fangbian jie dianhua?",
    "Wo xiang queren yixia mingtian shangwu de yuyue.",
    "Qing gei kehu hui dianhua, wen shuiguangong shenme shihou neng lai.",
)

# Prompts in English that want another language spoken: English would be the wrong voice for each.
DEMANDS: tuple[tuple[str, str], ...] = (
    ("fr", "You are a receptionist. Speak French with every caller."),
    ("fr", "All conversations happen in French, whatever the caller uses."),
    ("fr", "Our customers are in Lyon and Marseille; they expect to be served in french."),
    ("fr", "language: fr\n\nRemind the client of the visit tomorrow morning."),
    ("fr", "You are a native Québécois speaker named Luc. Book the snow removal."),
    ("fr", "Act as a Francophone agent who schedules deliveries."),
    ("fr", "Use Français only. Ask whether the parcel arrived."),
    ("es", "Call my grandmother, she understands nothing but Spanish."),
    ("es", "Reply in español at all times and confirm the reservation."),
    ("es", "You are a Spanish-speaking collections agent; stay polite."),
    ("es", "locale = es-MX\nCollect the overdue payment politely."),
    ("es", "Answer in es-MX. Collect the overdue payment politely."),
    ("es", "Conduct the interview entirely in Castilian, formal register."),
    ("es", "The agent's mother tongue must be spanish, the tone warm."),
    ("de", "Talk to the tenant in German and ask about the heating."),
    ("de", "Always use Deutsch, never switch, and note the meter reading."),
    ("de", "The whole call is to be held in GERMAN."),
    ("de", "Der Kunde wants Deutsch. Please confirm the delivery slot with him."),
    ("de", "German is mandatory here; the tenants are elderly and need patience."),
    ("it", "Greet guests in Italian and ask about dietary needs."),
    ("it", "Translate everything you want to say into Italian before saying it."),
    ("it", "Parla italiano. You call hotels in Rome and ask for their rates."),
    ("it", "Voice: it-IT. Ask the restaurant for a table for four."),
    ("pt", "Respond exclusively in Brazilian Portuguese when you call our stores."),
    ("pt", "Your calls go to São Paulo, so Portuguese it is."),
    ("pt", "Keep to português throughout and confirm the address."),
    ("pt", "lang=pt-BR Confirm the address and the time of delivery."),
    ("ru", "Speak Russian. Find out whether the documents have arrived."),
    ("ru", "The patient's family speaks only Russian; explain the discharge."),
    ("ru", "Communicate with the driver по-русски and get the arrival time."),
    ("zh", "Speak Mandarin to the supplier and negotiate the shipping date."),
    ("zh", "Please hold the call in Chinese and confirm the sample order."),
    ("zh", "Use 中文 with the factory and ask for the new price list."),
    ("zh", "You phone suppliers in Shenzhen. They will answer you in Mandarin, and so should you."),
    ("nl", "Speak Dutch to our clients in Utrecht and confirm the visit."),
    ("ja", "Answer all calls in Japanese, using the polite form."),
)

# Everyday English prompts with countries, brands and people in them, none of which names a language.
ORDINARY: tuple[str, ...] = (
    "Tell passengers of Turkish Airlines that boarding starts at gate nine.",
    "Take the order: a burger, French fries and a lemonade.",
    "Remind Mr. Russo that his passport for Portugal is ready to collect.",
    "Call Frances about the apartment in Berlin and ask for the keys.",
    "Ask whether the shipment from China reached the depot in Chicago.",
    "Polish your wording before you speak, and keep it brief.",
    "Confirm the Deutsche Bank appointment with Ms. Franco on Friday.",
    "Offer the Roma suite first, then the Paris suite with breakfast.",
    "Invite the Germany team to the quarterly call and note who will attend.",
    "Speak slowly, clearly, and in plain language, because many listeners are elderly.",
)

GREETINGS: tuple[tuple[str, str], ...] = (
    ("en", "Hello!"), ("en", "Good morning"), ("en", "Hi there"), ("en", "How are you?"),
    ("fr", "Bonjour !"), ("fr", "Bonsoir madame"), ("fr", "Allô ?"), ("fr", "Salut"),
    ("es", "¡Hola!"), ("es", "Buenos días"), ("es", "Buenas tardes"), ("es", "¿Diga?"),
    ("de", "Hallo!"), ("de", "Guten Tag"), ("de", "Grüß Gott"), ("de", "Moin"),
    ("it", "Ciao!"), ("it", "Buongiorno"), ("it", "Buonasera"), ("it", "Pronto?"),
    ("pt", "Olá!"), ("pt", "Bom dia"), ("pt", "Boa tarde"), ("pt", "Alô?"),
    ("ru", "Привет!"), ("ru", "Здравствуйте"), ("ru", "Добрый день"), ("ru", "Алло?"),
    ("zh", "你好！"), ("zh", "早上好"), ("zh", "您好"), ("zh", "喂？"),
)  # fmt: skip


def prompts() -> Iterator[tuple[str, str, str]]:
    """Yield `(language, shape, text)`: every prompt as written, and in shapes that people send."""
    for language, lines in PROMPTS.items():
        for number, line in enumerate(lines):
            yield language, "plain", line
            for shape in (SHAPES[number % len(SHAPES)], SHAPES[(number + 3) % len(SHAPES)]):
                yield language, shape, shaped(line, shape)


SHAPES = ("markdown", "template", "upper", "bare", "list", "boilerplate", "noise")


def shaped(text: str, shape: str) -> str:
    """Write a prompt in one of the shapes that prompts come in."""
    if shape == "markdown":
        return f"# Role\n\n**{text}**\n\n## Task\n\n> {text}\n\n---\n"
    if shape == "template":
        return f"{{{{customer_name}}}} ({{{{order_id}}}}): {text} {{{{closing_line}}}} ${{URL}} <pause/>"
    if shape == "upper":
        return text.upper()
    if shape == "bare":
        decomposed = unicodedata.normalize("NFD", text)
        return "".join(c for c in decomposed if unicodedata.category(c) != "Mn" or "\u0400" <= text[0] <= "\u04ff")
    if shape == "list":
        return "\n".join(f"{at}. {part.strip()}" for at, part in enumerate(text.split(","), 1))
    if shape == "boilerplate":
        return f"You are a helpful assistant.\n\n{text}\n{text}"
    return f"{text} https://example.com/booking/start +1 202 555 0100 🙏 `POST /call` help@example.com 😀 #42"
