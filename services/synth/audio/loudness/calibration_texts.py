"""What a voice speaks once, so that its loudness is known.

About eighty words per language with statements, questions, lists and numbers, soft and hard
sounds: what a page of a book is made of.
"""

PASSAGES: dict[str, tuple[str, ...]] = {
    "en": (
        "The old harbor wakes long before the town does.",
        "Ropes creak, gulls quarrel over scraps, and a boy in yellow boots counts the crates.",
        "How many are there today? Forty-seven, he says, and three of them are empty.",
        "Nobody asks why; the answer would only spoil a quiet morning.",
        "By eight o'clock the fog has lifted, the shops are open, and the smell of bread drifts up "
        "the hill.",
        "Work, weather, and coffee: most people here need little else to talk about.",
    ),
    "de": (
        "Der alte Hafen erwacht lange vor der Stadt.",
        "Taue knarren, Möwen streiten um Reste, und ein Junge in gelben Stiefeln zählt die Kisten.",
        "Wie viele sind es heute? Siebenundvierzig, sagt er, und drei davon sind leer.",
        "Niemand fragt, warum; die Antwort würde nur einen stillen Morgen verderben.",
        "Gegen acht hat sich der Nebel gelichtet, die Läden sind offen, und der Duft von Brot "
        "zieht den Hügel hinauf.",
        "Arbeit, Wetter und Kaffee: viel mehr brauchen die meisten hier nicht für ein Gespräch.",
    ),
    "fr": (
        "Le vieux port s'éveille bien avant la ville.",
        "Les cordages grincent, les mouettes se disputent des restes, et un garçon en bottes "
        "jaunes compte les caisses.",
        "Combien y en a-t-il aujourd'hui ? Quarante-sept, dit-il, et trois d'entre elles sont "
        "vides.",
        "Personne ne demande pourquoi ; la réponse ne ferait que gâcher un matin tranquille.",
        "Vers huit heures, la brume s'est levée, les boutiques sont ouvertes, et l'odeur du pain "
        "monte le long de la colline.",
        "Le travail, le temps et le café : il n'en faut guère plus ici pour parler.",
    ),
    "es": (
        "El viejo puerto despierta mucho antes que la ciudad.",
        "Crujen las cuerdas, las gaviotas se pelean por las sobras, y un niño con botas amarillas "
        "cuenta las cajas.",
        "¿Cuántas hay hoy? Cuarenta y siete, dice, y tres de ellas están vacías.",
        "Nadie pregunta por qué; la respuesta solo estropearía una mañana tranquila.",
        "Hacia las ocho la niebla se ha levantado, las tiendas están abiertas, y el olor del pan "
        "sube por la colina.",
        "El trabajo, el tiempo y el café: casi nadie aquí necesita más para conversar.",
    ),
    "it": (
        "Il vecchio porto si sveglia molto prima della città.",
        "Le corde scricchiolano, i gabbiani litigano per gli avanzi, e un ragazzo con gli stivali "
        "gialli conta le casse.",
        "Quante sono oggi? Quarantasette, dice, e tre di queste sono vuote.",
        "Nessuno chiede perché; la risposta rovinerebbe soltanto una mattina tranquilla.",
        "Verso le otto la nebbia si è alzata, i negozi sono aperti, e il profumo del pane sale "
        "lungo la collina.",
        "Il lavoro, il tempo e il caffè: a quasi tutti qui basta questo per parlare.",
    ),
    "pt": (
        "O velho porto acorda muito antes da cidade.",
        "As cordas rangem, as gaivotas brigam pelos restos, e um menino de botas amarelas conta "
        "as caixas.",
        "Quantas são hoje? Quarenta e sete, diz ele, e três delas estão vazias.",
        "Ninguém pergunta porquê; a resposta só estragaria uma manhã tranquila.",
        "Por volta das oito a névoa já se levantou, as lojas estão abertas, e o cheiro do pão "
        "sobe pela colina.",
        "O trabalho, o tempo e o café: quase ninguém aqui precisa de mais para conversar.",
    ),
    "nl": (
        "De oude haven ontwaakt lang voor de stad.",
        "Touwen kraken, meeuwen ruziën om resten, en een jongen met gele laarzen telt de kisten.",
        "Hoeveel zijn het er vandaag? Zevenenveertig, zegt hij, en drie daarvan zijn leeg.",
        "Niemand vraagt waarom; het antwoord zou alleen een stille ochtend bederven.",
        "Tegen acht uur is de mist opgetrokken, de winkels zijn open, en de geur van brood "
        "trekt langs de heuvel omhoog.",
        "Werk, weer en koffie: veel meer hebben de meesten hier niet nodig om te praten.",
    ),
}


def passage(language: str) -> tuple[str, ...]:
    """Return the sentences for a BCP 47 language; the English ones where there are none."""
    primary = language.split("-")[0].split("_")[0].lower()
    return PASSAGES.get(primary, PASSAGES["en"])
