### Jeder Text von uns, den ein Mensch liest, auf Deutsch. Laut lesen: Klingt es nach Maschine, noch einmal schreiben.
### Wörter der Auftragsart (Titel, Schritt, Einheit …) kommen als Argumente, Nomen im Nominativ, in der Form ihrer Zahl.
### Sätze sind deshalb so gebaut, dass sie kein Geschlecht und keinen anderen Fall dieser Nomen brauchen.

## Sichtbare Zustände

state-queued = Wartet
state-running = Läuft
state-needs_fix = Braucht Hilfe
state-finished = Fertig
state-canceled = Abgebrochen

## Was gerade geschieht: nie eine Wartezeit, ein Alter oder die Zahl anderer Aufträge

sentence-scheduled = Wartet auf die geplante Startzeit.
sentence-ready = Wartet auf einen freien Platz.
sentence-ready-lost = Der letzte Versuch brach vorzeitig ab. Wartet auf einen freien Platz für den nächsten.
sentence-ready-failed = Der letzte Versuch ist nicht gelungen. Wartet auf einen freien Platz für den nächsten.
sentence-delayed = Wartet noch auf einen freien Platz. Das dauert länger, als es sollte.
sentence-again = Der nächste Versuch wird vorbereitet.
sentence-lost = Der letzte Versuch brach vorzeitig ab. Wir versuchen es von selbst noch einmal.
sentence-failed = Der letzte Versuch ist nicht gelungen. Wir versuchen es von selbst noch einmal.
sentence-starting = Die Arbeit beginnt.
sentence-working = Die Arbeit läuft noch.
sentence-stage = { $stage }.
sentence-stage-counted = { $stage }: { $done } von { $total } ({ $unit }).
sentence-stage-so-far = { $stage }: bisher { $done } { $unit }.
sentence-counted = Die Arbeit läuft: { $done } von { $total } ({ $unit }).
sentence-so-far = Die Arbeit läuft: bisher { $done } { $unit }.
sentence-working-attention = { $title } läuft. { attention }
sentence-quiet = Läuft noch, aber seit einer Weile geht es nicht voran. Wir behalten es im Auge.
sentence-quiet-stage = { $stage }: läuft noch, aber seit einer Weile geht es nicht voran. Wir behalten es im Auge.
sentence-stuck = Läuft noch, aber schon zu lange bewegt sich nichts.
sentence-stuck-stage = { $stage }: läuft noch, aber schon zu lange bewegt sich nichts.
sentence-finalizing = Die Arbeit ist getan. Ihr Ergebnis wird gespeichert.
sentence-finalizing-attention = Ihr Ergebnis wird gespeichert. { attention }
sentence-canceling = Wird wie gewünscht angehalten.
sentence-asking = { attention }
sentence-asking-plain = Hier müssen Sie etwas korrigieren.
sentence-gave_up = { $tries ->
    [one] Der Auftrag hat nach 1 Versuch aufgehört und läuft nicht mehr.
   *[other] Der Auftrag hat nach { $tries } Versuchen aufgehört und läuft nicht mehr.
}
sentence-overdue = Die Frist ist abgelaufen, bevor die Arbeit getan war. Der Auftrag läuft nicht mehr.
sentence-done = Ihr Ergebnis kann geöffnet werden.
sentence-done-removed = Fertig. Das Ergebnis wurde entfernt.
sentence-done-file = Ihre Datei kann heruntergeladen werden.
sentence-done-named = Ihre Datei kann heruntergeladen werden: { $name }
sentence-partly_done = { $ready ->
    [0] Noch ist nichts fertig.
    [one] 1 { $ready_noun } ist fertig.
   *[other] { $ready } { $ready_noun } sind fertig.
} Nicht gelungen: { $failed } { $unit }. Bitte erneut versuchen.
sentence-partly_done-plain = Ihr Ergebnis ist da, aber ein Teil davon ist nicht gelungen.
sentence-stopped = Wie gewünscht angehalten.
sentence-expired = Die nötige Korrektur kam nicht rechtzeitig.

attention = { $failed ->
    [one] 1 { $unit } braucht Ihre Aufmerksamkeit.
   *[other] { $failed } { $unit } brauchen Ihre Aufmerksamkeit.
}

## Was nicht stimmt, und der nächste Schritt

trouble-lost = Warum der letzte Versuch vorzeitig abbrach, wissen wir nicht.
trouble-failed = Der letzte Versuch ist nicht gelungen.
trouble-stuck = Es bewegt sich länger nichts, als es bei dieser Art von Auftrag sein darf.
trouble-gave_up = Die Arbeit konnte nicht beendet werden.
trouble-overdue = Die Frist ist abgelaufen, bevor die Arbeit getan war.
trouble-expired = Wir haben diesen Auftrag angehalten, weil er zu lange auf eine Korrektur gewartet hat.

support = Brauchen Sie Hilfe? Nennen Sie unserem Support { $ref }.

next-worker = { $next } { support }
next-wait = Sie müssen nichts tun. Wir versuchen es noch einmal. { support }
next-stuck = Warten Sie noch, oder brechen Sie den Auftrag ab und starten Sie ihn neu. { support }
next-items-running = Noch ist nichts zu tun. Sobald der Auftrag endet, können Sie die Fehler beheben und nur diese { $unit } erneut versuchen.
next-items-running-again = Noch ist nichts zu tun. Sobald der Auftrag endet, können Sie nur diese { $unit } erneut versuchen.
next-items-canceling = Warten Sie, bis der Auftrag angehalten hat. Danach können Sie nur diese { $unit } erneut versuchen.
next-items = Laden Sie die Fehlerliste herunter, beheben Sie die Fehler, und versuchen Sie nur diese { $unit } erneut. { support }
next-items-again = Versuchen Sie nur diese { $unit } erneut. Woran es lag, steht in der Fehlerliste. { support }
next-fix = Beheben Sie das, und versuchen Sie es dann erneut. { support }
next-fix-row = Korrigieren Sie Zeile { $row }, und versuchen Sie es dann erneut. { support }
next-fix-cell = Korrigieren Sie { $column } in Zeile { $row }, und versuchen Sie es dann erneut. { support }
next-fix-column = Korrigieren Sie { $column }, und versuchen Sie es dann erneut. { support }
next-retry = Versuchen Sie es erneut. Gelingt es wieder nicht, nennen Sie unserem Support { $ref }.
next-expired = Beheben Sie, was nicht stimmte, und versuchen Sie es dann erneut. { support }

## Rund um den Auftrag

button-view = Stand ansehen
button-start = Neu starten

leave-safe = Sie können diese Seite verlassen. Wir arbeiten weiter.
leave-stay = Bitte lassen Sie diese Seite offen, bis der Auftrag beendet ist.
leave-canceling = Sie können diese Seite verlassen. Wir halten den Auftrag an.
leave-blocked = Sie können diese Seite verlassen und später zurückkommen. Der Auftrag wartet auf Sie.
leave-ended = Sie können diese Seite verlassen. Es gibt nichts mehr abzuwarten.

place-default = Ihr Ergebnis erscheint hier.
place-ready = Ihr Ergebnis ist da.
place-removed = Entfernt. Die persönlichen Daten dieses Auftrags wurden gelöscht, wie es gewünscht war.
place-canceling = Sobald er angehalten ist, erscheint kein Ergebnis mehr.
place-nothing = Dieser Auftrag wurde abgebrochen, deshalb erscheint kein Ergebnis.

wait-none = Für diesen Auftrag lässt sich die Dauer noch nicht verlässlich schätzen. Der Stand erscheint hier nach jedem Schritt.
wait-blocked = Solange der Auftrag Ihre Hilfe braucht, lässt sich die Dauer nicht schätzen.
wait-ended = Dieser Auftrag ist beendet.

## Wie lange es dauern kann: so, wie man es sagt, nie heruntergezählt

wait-high = { $high_unit ->
    [seconds] { $high } Sekunden
    [minutes] { $high ->
        [one] 1 Minute
       *[other] { $high } Minuten
    }
    [hours] { $high ->
        [one] 1 Stunde
       *[other] { $high } Stunden
    }
   *[days] { $high ->
        [one] 1 Tag
       *[other] { $high } Tagen
    }
}
wait-low = { $low_unit ->
    [seconds] { $low } Sekunden
    [minutes] { $low ->
        [one] 1 Minute
       *[other] { $low } Minuten
    }
    [hours] { $low ->
        [one] 1 Stunde
       *[other] { $low } Stunden
    }
    [days] { $low ->
        [one] 1 Tag
       *[other] { $low } Tagen
    }
   *[same] { $low }
}
wait-note = { $note ->
    [longer] { " " }Es warten mehr Aufträge als sonst.
    [slower] { " " }Diese Art von Arbeit dauert zurzeit länger als sonst.
   *[none] { "" }
}
wait-queue-range = Wartet auf den Start, voraussichtlich in { wait-low } bis { wait-high }.{ wait-note }
wait-queue-bound = Beginnt meist innerhalb von { wait-high }.{ wait-note }
wait-queue-none = Wann dieser Auftrag beginnt, lässt sich noch nicht sagen.{ wait-note }
wait-work-range = { $sized ->
    [yes] Die meisten Aufträge dieser Größe sind in { wait-low } bis { wait-high } fertig.
   *[no] Die meisten Aufträge dieser Art sind in { wait-low } bis { wait-high } fertig.
}{ wait-note }
wait-work-bound = { $sized ->
    [yes] 9 von 10 Aufträgen dieser Größe sind innerhalb von { wait-high } fertig.
   *[no] 9 von 10 Aufträgen dieser Art sind innerhalb von { wait-high } fertig.
}{ wait-note }
wait-total-range = Voraussichtlich in { wait-low } bis { wait-high } fertig.
wait-total-bound = Meist innerhalb von { wait-high } fertig.
wait-overdue = Dauert länger als die meisten. 9 von 10 solchen Aufträgen sind innerhalb von { wait-high } fertig.{ wait-note }
wait-overdue-none = Dauert länger als fast jeder Auftrag dieser Art. Wann er fertig ist, lässt sich nicht sagen. Der Stand erscheint hier nach jedem Schritt.

## Warum ein Auftrag wartet, in diesem Augenblick

waiting-before = { $ahead ->
    [0] Ihr Auftrag ist der nächste.
    [one] 1 Auftrag ist vor Ihrem an der Reihe.
   *[other] { $about ->
        [yes] Etwa { $ahead } Aufträge sind vor Ihrem an der Reihe.
       *[no] { $ahead } Aufträge sind vor Ihrem an der Reihe.
    }
}
waiting-workers_busy = { $ahead ->
    [0] Ihr Auftrag ist der nächste, sobald ein Platz frei wird.
   *[other] { waiting-before }
}
waiting-no_workers = Für solche Aufträge ist zurzeit kein Platz offen. { waiting-before }
waiting-type_limit = Mehr solche Aufträge dürfen nicht gleichzeitig laufen. Ihrer beginnt, wenn einer davon endet. { waiting-before }
waiting-tenant_limit = In Ihrer Organisation laufen so viele solche Aufträge, wie gleichzeitig erlaubt sind. Ihrer beginnt, wenn einer davon endet. { waiting-before }
waiting-owner_limit = Von Ihnen laufen so viele solche Aufträge, wie gleichzeitig erlaubt sind. Ihrer beginnt, wenn einer davon endet.
waiting-not_before = Dieser Auftrag wartet auf den Zeitpunkt, für den er geplant ist.
waiting-retry_pause = Vor dem nächsten Versuch ist eine kurze Pause.

action-download = Datei herunterladen
action-open = Ergebnis öffnen
action-download_problems = Fehlerliste herunterladen ({ $failed } { $unit })
action-retry_failed = Erneut versuchen ({ $failed } { $unit })
action-retry_safely = Gefahrlos erneut versuchen
action-retry = Erneut versuchen
action-retry_all = { $mode ->
    [resumes] Weitermachen, wo es aufhörte
   *[starts_fresh] { $safety ->
        [safe] Alles gefahrlos noch einmal
       *[other] Alles noch einmal
    }
}
action-cancel = Abbrechen
action-again = Neuen Auftrag starten

## Vor einem neuen Versuch

risk = { $safety ->
    [may_charge] Dabei könnte ein neues Ergebnis entstehen oder noch einmal etwas berechnet werden.
   *[may_duplicate] Dabei könnten { $ready_noun } doppelt angelegt werden.
}
mode = { $mode ->
    [resumes] Es geht dort weiter, wo es aufgehört hat.
   *[starts_fresh] Es beginnt von vorn.
}
warning-all = { mode } { risk }
warning-failed = Nur das nicht Gelungene läuft noch einmal: { $failed } { $unit }. { risk }
warning-again = Ein neuer Auftrag beginnt von vorn. { risk }

keeps = { $keeps ->
    [0] { "" }
    [one] { " " }1 { $kept } bleibt erhalten.
   *[other] { " " }{ $keeps } { $kept } bleiben erhalten.
}
safely = { $safety ->
    [safe] { " " }Das ist gefahrlos: Nichts geschieht doppelt.
   *[other] { "" }
}
plan-failed = Nur das nicht Gelungene läuft noch einmal: { $runs } { $unit }.{ keeps }{ safely }
plan-all = { $mode ->
    [resumes] Es geht dort weiter, wo der Auftrag aufgehört hat.
   *[starts_fresh] Der ganze Auftrag läuft noch einmal von vorn.
}{ keeps }{ safely }
plan-confirm = { risk } Trotzdem erneut versuchen?

## Derselbe Klick noch einmal

age = { $age_unit ->
    [seconds] { $age ->
        [one] vor 1 Sekunde
       *[other] vor { $age } Sekunden
    }
    [minutes] { $age ->
        [one] vor 1 Minute
       *[other] vor { $age } Minuten
    }
    [hours] { $age ->
        [one] vor 1 Stunde
       *[other] vor { $age } Stunden
    }
    [days] { $age ->
        [one] vor 1 Tag
       *[other] vor { $age } Tagen
    }
   *[now] gerade eben
}
repeat = { $by ->
    [owner] Das haben Sie { age } schon gestartet.
   *[anyone] Das wurde { age } schon gestartet.
}
repeat-waiting = { repeat } Es wartet auf den Start.
repeat-again = { repeat } Der nächste Versuch kommt von selbst.
repeat-running = { repeat } Es läuft.
repeat-canceling = { repeat } Es wird gerade angehalten.
repeat-asking = { repeat } Es braucht Ihre Hilfe: { $text }
repeat-gave_up = { repeat } Es konnte nicht beendet werden. Sie können es erneut versuchen.
repeat-done = { repeat } Es ist fertig.
repeat-partly_done = { repeat } Es ist fertig, aber nicht alles ist gelungen ({ $failed } { $unit }). Sie können nur das erneut versuchen.
repeat-partly_done-plain = { repeat } Es ist fertig, aber ein Teil ist nicht gelungen. Sie können es erneut versuchen.
repeat-stopped = { repeat } Es wurde abgebrochen. Sie können es erneut versuchen.

## Absagen: was geschah, ob der Auftrag noch läuft, soweit das bekannt ist, und der nächste Schritt

job = { $ref ->
    [none] Dieser Auftrag
   *[other] Der Auftrag { $ref }
}
nothing-changed = Nichts wurde geändert.

problem-unauthorized = Ihr Schlüssel wurde nicht angenommen
problem-unauthorized-detail = Die Anfrage hat keinen Schlüssel, oder er ist unbekannt, abgelaufen oder zurückgezogen. { nothing-changed }
problem-unauthorized-next = Senden Sie einen gültigen Schlüssel als "Authorization: Bearer …", oder bitten Sie Ihre Verwaltung um einen neuen.

problem-forbidden = Ihr Schlüssel darf das nicht
problem-forbidden-detail = { $scope ->
    [none] Für diesen Aufruf fehlt Ihrem Schlüssel die Erlaubnis.
   *[other] Für diesen Aufruf fehlt Ihrem Schlüssel die Erlaubnis "{ $scope }".
} { nothing-changed }
problem-forbidden-next = Nehmen Sie einen Schlüssel mit dieser Erlaubnis, oder bitten Sie Ihre Verwaltung darum.

problem-not-found = Nicht gefunden
problem-not-found-detail = { $name ->
    [none] Unter dieser Adresse gibt es nichts, was Sie sehen dürfen.
   *[other] Unter "{ $name }" gibt es nichts, was Sie sehen dürfen.
}
problem-not-found-next = Prüfen Sie die Adresse. Einen Auftrag finden Sie auch in der Auftragsliste, über seinen Titel oder seine Nummer wie EX-7F3K9MQ2.

problem-removed = Das wurde entfernt
problem-removed-detail = { $name ->
    [none] Die persönlichen Daten dahinter wurden gelöscht, wie es gewünscht war. { nothing-changed }
   *[other] Die persönlichen Daten von { $name } wurden gelöscht, wie es gewünscht war. { nothing-changed }
}
problem-removed-next = Es kann nicht zurückgeholt werden. Starten Sie einen neuen Auftrag, wenn Sie noch ein Ergebnis brauchen.

problem-method-not-allowed = Diese Adresse nimmt diesen Aufruf nicht an
problem-method-not-allowed-detail = { $method ->
    [none] Diese Methode ist hier nicht bekannt.
   *[other] { $method } ist hier nicht bekannt.
} { nothing-changed }
problem-method-not-allowed-next = { $allowed ->
    [none] Sehen Sie in der Beschreibung der API nach, wie der Aufruf lautet.
   *[other] Nehmen Sie { $allowed }.
}

problem-too-large = Das ist zu groß
problem-too-large-detail = { $name ->
    [none] Was gesendet wurde,
   *[other] "{ $name }"
} ist größer, als wir annehmen. { $limit ->
    [none] { "" }
   *[other] Die Grenze liegt bei { $limit } { $unit ->
        [items] Einträgen
        [jobs] Aufträgen
        [characters] Zeichen
       *[bytes] Byte
    }.{ " " }
}{ nothing-changed }
problem-too-large-next = Versuchen Sie es mit einer kleineren Datei, oder senden Sie sie in mehreren Teilen.

problem-invalid = Etwas in der Anfrage muss korrigiert werden
problem-invalid-detail = { $count ->
    [none] Einige Felder sind so nicht zu gebrauchen.
    [one] 1 Feld ist so nicht zu gebrauchen.
   *[other] { $count } Felder sind so nicht zu gebrauchen.
} { nothing-changed }
problem-invalid-next = Korrigieren Sie, was unter "errors" genannt ist, und senden Sie es noch einmal.

problem-unknown-type = Diese Art von Auftrag ist nicht bekannt
problem-unknown-type-detail = { $name ->
    [none] Keine Auftragsart hat diesen Namen.
   *[other] Keine Auftragsart heißt "{ $name }".
} Nichts wurde gestartet.
problem-unknown-type-next = Vergleichen Sie die Schreibweise mit GET /v1/types, oder legen Sie die Art mit PUT /v1/types/NAME an.

problem-unknown-upload = Die hochgeladene Datei ist nicht da
problem-unknown-upload-detail = { $name ->
    [none] Die Datei wurde nie hochgeladen, oder sie wurde entfernt.
   *[other] Die Datei "{ $name }" wurde nie hochgeladen, oder sie wurde entfernt.
} { nothing-changed }
problem-unknown-upload-next = Laden Sie die Datei noch einmal hoch, und nehmen Sie die Kennung aus der Antwort.

problem-unknown-job = Dieser Auftrag ist nicht bekannt
problem-unknown-job-detail = { $name ->
    [none] Kein Auftrag, den Sie sehen dürfen, hat diese Nummer.
   *[other] Kein Auftrag, den Sie sehen dürfen, hat die Nummer "{ $name }".
} { nothing-changed }
problem-unknown-job-next = Suchen Sie den Auftrag in der Auftragsliste, und nehmen Sie die Kennung von dort.

problem-result-missing = Das Ergebnis ist nicht an seinem Platz
problem-result-missing-detail = { $name ->
    [none] Das Ergebnis wurde nicht gefunden, oder Größe oder SHA-256 stimmen nicht mit der Angabe überein.
   *[other] Das Ergebnis "{ $name }" wurde nicht gefunden, oder Größe oder SHA-256 stimmen nicht mit der Angabe überein.
} Der Auftrag ist nicht fertig; er läuft noch.
problem-result-missing-next = Speichern Sie das Ergebnis noch einmal, und melden Sie dann erneut das Ende.

problem-key-reused = Dieser Idempotency-Key gehört zu einer anderen Anfrage
problem-key-reused-detail = Der Schlüssel wurde schon mit einem anderen Inhalt benutzt. { nothing-changed } Der Auftrag der ersten Anfrage ist, wie er war.
problem-key-reused-next = Senden Sie den ersten Inhalt noch einmal, um seine Antwort zu bekommen, oder nehmen Sie für eine neue Anfrage einen neuen Schlüssel.

problem-lease-outdated = Dieser Versuch zählt nicht mehr
problem-lease-outdated-detail = { job } ist ohne diesen Versuch weitergegangen: Ein anderer hat ihn übernommen, oder er ist beendet. Nichts von dieser Meldung wurde geschrieben.
problem-lease-outdated-next = Hören Sie mit dieser Arbeit auf, und verwerfen Sie sie. Holen Sie dann den nächsten Auftrag.

problem-already-finished = Der Auftrag ist schon beendet
problem-already-finished-detail = { job } ist beendet und läuft nicht mehr. { nothing-changed }
problem-already-finished-next = Öffnen Sie den Auftrag, um sein Ergebnis zu sehen, oder starten Sie einen neuen.

problem-still-running = Der Auftrag ist noch nicht beendet
problem-still-running-detail = { job } wartet oder läuft noch, deshalb ist jetzt kein neuer Versuch möglich. { nothing-changed }
problem-still-running-next = Warten Sie, bis er endet, oder brechen Sie ihn vorher ab.

problem-nothing-to-retry = Es gibt nichts zu wiederholen
problem-nothing-to-retry-detail = { $scope ->
    [failed_items] { job } hat keine Einträge, die nicht gelungen sind.
   *[all] { job } ist fertig, und alles ist gelungen.
} { nothing-changed }
problem-nothing-to-retry-next = Öffnen Sie das Ergebnis. Für einen ganz neuen Lauf starten Sie einen neuen Auftrag mit "again": true.

problem-confirm-first = Bitte bestätigen Sie diesen neuen Versuch
problem-confirm-first-detail = { $safety ->
    [may_charge] Dabei könnte ein neues Ergebnis entstehen oder noch einmal etwas berechnet werden.
    [may_duplicate] Dabei könnten dieselben Daten doppelt angelegt werden.
   *[none] Dabei könnte etwas doppelt geschehen.
} Nichts wurde gestartet.
problem-confirm-first-next = Lesen Sie den Plan. Wenn es so sein soll, senden Sie es noch einmal mit "confirm": true und der Prüfsumme des Plans.

problem-plan-changed = Der Plan hat sich geändert
problem-plan-changed-detail = Was jetzt laufen würde, ist nicht das, was vorher gezeigt wurde. Nichts wurde gestartet.
problem-plan-changed-next = Lesen Sie den neuen Plan. Wenn es so sein soll, bestätigen Sie mit seiner Prüfsumme.

problem-newer-twin = Ein neuerer Auftrag tut dasselbe
problem-newer-twin-detail = { $newer ->
    [none] Ein neuerer Auftrag für dieselbe Anfrage ist noch nicht beendet.
   *[other] Der neuere Auftrag { $newer } für dieselbe Anfrage ist noch nicht beendet.
} { job } wurde nicht noch einmal gestartet.
problem-newer-twin-next = { $newer ->
    [none] Öffnen Sie den neueren Auftrag, oder brechen Sie ihn ab, bevor Sie diesen erneut versuchen.
   *[other] Öffnen Sie { $newer }, oder brechen Sie { $newer } ab, bevor Sie diesen Auftrag erneut versuchen.
}

problem-busy = Zu viele Anfragen auf einmal
problem-busy-detail = { $limit ->
    [none] Es warten mehr Anfragen, als wir annehmen können.
   *[other] { $limit } Anfragen warten schon, und das ist die Grenze.
} Von dieser wurde nichts gespeichert. Angenommene Aufträge sind sicher.
problem-busy-next = { $seconds ->
    [none] Senden Sie sie in einigen Sekunden noch einmal.
    [one] Senden Sie sie in 1 Sekunde noch einmal.
   *[other] Senden Sie sie in { $seconds } Sekunden noch einmal.
} Mit demselben Idempotency-Key bleibt es ein einziger Auftrag.

problem-history-damaged = Der Verlauf wurde verändert
problem-history-damaged-detail = Das Protokoll setzt seinen letzten Prüfpunkt nicht fort, deshalb wurde nichts unterschrieben. Laufende Aufträge gehen weiter.
problem-history-damaged-next = Zeigen Sie mit `tidings audit verify`, wo, und vergleichen Sie die Datenbank mit einer Sicherung.
problem-broken = Das ist ein Fehler von uns
problem-broken-detail = Die Anfrage ist auf einen Fehler im Dienst gestoßen, deshalb wissen wir nicht, ob sie gespeichert wurde. Angenommene Aufträge sind sicher und gehen weiter.
problem-broken-next = Senden Sie sie noch einmal mit demselben Idempotency-Key: Es bleibt ein einziger Auftrag. Misslingt es wieder, nennen Sie dem Support den Zeitpunkt.

problem-unavailable = Wir können gerade nichts speichern
problem-unavailable-detail = Die Datenbank antwortet nicht, deshalb wissen wir nicht, ob diese Anfrage gespeichert wurde. Angenommene Aufträge sind sicher.
problem-unavailable-next = { $seconds ->
    [none] Senden Sie sie in einigen Sekunden noch einmal.
    [one] Senden Sie sie in 1 Sekunde noch einmal.
   *[other] Senden Sie sie in { $seconds } Sekunden noch einmal.
} Mit demselben Idempotency-Key bleibt es ein einziger Auftrag.

## Was der Browser von selbst sagt: Er kann uns nicht um diese Worte bitten, wenn er uns nicht erreicht

screen-away = Wir sind gerade nicht erreichbar. Laufende Aufträge gehen weiter, und diese Seite holt von selbst auf.
screen-away-click = Wir sind gerade nicht erreichbar. Wir versuchen es mit demselben Klick weiter, es bleibt also ein Auftrag.
screen-refused = Diese Seite wollte etwas, das wir nicht können. Es ist nicht Ihr Fehler. Bitte sagen Sie es denen, die diese Seite betreiben.
screen-sending = Wird gestartet …
screen-sending-file = Wird hochgeladen …
screen-started = Gestartet: { $title }. Die Auftragsnummer ist { $ref }.
screen-uploading = { $name } wird hochgeladen: { $done } von { $total }. Bitte lassen Sie diese Seite offen.
screen-upload-cut = Das Hochladen wurde unterbrochen. Es wurde nichts gestartet. Bitte starten Sie es noch einmal.
screen-choose-file = Datei wählen
screen-file = { $name }, { $size }
screen-file-first = Bitte wählen Sie zuerst eine Datei.
screen-start = Starten
screen-copy = Auftragsnummer { $ref } kopieren
screen-copied = Kopiert
screen-stages = Schritte
screen-stage-done = erledigt
screen-stage-now = gerade
screen-stage-ahead = kommt noch
screen-row = Zeile
screen-column = Spalte
screen-reason = Was nicht stimmt
screen-value = Was dort steht
screen-which = Worum es geht
screen-more = Die Datei zum Herunterladen enthält alle { $count }.
screen-still-running = Der Auftrag läuft noch.
screen-not-running = Bis dahin läuft nichts.
screen-confirm = Bevor Sie weitermachen
screen-not-now = Jetzt nicht
screen-fixed-file = Ihre korrigierte Datei
screen-fixed-hint = Wählen Sie die Datei mit Ihren Korrekturen. Ohne sie wird derselbe Inhalt noch einmal versucht.
screen-again-private = Etwas von dem, womit dieser Auftrag begann, ist privat; von hier aus können wir ihn nicht noch einmal starten. Bitte starten Sie ihn dort, wo Sie es zuerst taten.
screen-place = Hier sehen Sie gleich, wie es um Ihren Auftrag steht.
screen-loading = Ihr Auftrag wird gesucht …
screen-not-found = Dieser Auftrag ist nicht zu finden. Vielleicht gehört er jemand anderem.
screen-quiet = Seit einer Weile still
screen-stuck = Hängt fest
screen-at-created = Gestartet { $time }
screen-at-finished = Beendet { $time }
screen-jobs = Ihre Aufträge
screen-jobs-none = Noch keine Aufträge. Was Sie starten, erscheint hier.
screen-jobs-blocked = Braucht Sie
screen-jobs-open = In Arbeit
screen-jobs-ended = Früher
screen-jobs-older = Ältere Aufträge zeigen

## Die Demoseite

demo-title = Ein voller Vormittag
demo-lead = Drei langsame Aufgaben, wie ein Produkt sie zeigen würde. Klicken Sie doppelt, laden Sie neu, öffnen Sie einen zweiten Tab, schließen Sie diesen: Es bleibt jedes Mal ein Auftrag.
demo-export = Bestellungen
demo-export-text = 50.000 Bestellungen in eine CSV-Datei exportieren.
demo-export-button = Bestellungen exportieren
demo-export-title = Export von 50.000 Bestellungen
demo-import = Kunden
demo-import-text = Kunden aus einer eigenen CSV-Datei importieren, oder aus unserer Beispieldatei.
demo-import-button = Kunden importieren
demo-import-title = Import von Kunden
demo-import-sample = Beispiel nehmen: 4.200 Kunden
demo-ai = Gesprächsnotizen
demo-ai-text = 28 Notizen aus Kundengesprächen von einer KI zusammenfassen lassen.
demo-ai-button = Notizen zusammenfassen
demo-ai-title = Zusammenfassungen von 28 Gesprächsnotizen
demo-trouble = Etwas schiefgehen lassen
demo-trouble-text = All das geschieht wirklich. Sehen Sie, was die Anzeigen dazu sagen.
demo-slow = Langsamer Vormittag
demo-slow-text = Neue Aufträge dauern dreimal so lange.
demo-rows = Fehlerhafte Zeilen
demo-rows-text = Die Beispieldatei hat vier Zeilen mit einem Fehler.
demo-lose = Mitten in der Arbeit abbrechen
demo-lose-text = Beendet ohne Vorwarnung das Programm, das an Ihrem neuesten Auftrag arbeitet.
demo-lose-button = Stecker ziehen
demo-lose-done = Es ist weg. Der Auftrag geht in wenigen Sekunden anderswo weiter.
demo-lose-none = Gerade läuft nichts von Ihnen. Starten Sie zuerst einen Auftrag.
demo-cut = Diese Seite abschneiden
demo-cut-text = Diese Seite erreicht uns 20 Sekunden lang nicht. Alles andere geht weiter.
demo-cut-button = Für 20 Sekunden abschneiden
demo-cut-on = Abgeschnitten. Klicken Sie ruhig, nichts geht verloren.
demo-cut-off = Wieder verbunden.
demo-language = English
demo-console = Konsole
demo-new-person = Als jemand Neues beginnen

## Die Konsole für den Betrieb

console-title = Konsole
console-key = API-Schlüssel
console-key-hint = Fügen Sie den Schlüssel ein, der beim Start von Tidings zu sehen war. Er bleibt in diesem Tab und ist vergessen, sobald Sie ihn schließen.
console-open = Öffnen
console-key-bad = Dieser Schlüssel wurde nicht angenommen.
console-close = Schlüssel vergessen
console-demo = Demo
console-now = Gerade jetzt
console-waiting = Warten
console-later = Geplant
console-oldest = Längste Wartezeit
console-running = Laufen
console-workers = Arbeitsplätze mit Auftrag
console-done = Fertig, letzte 5 Minuten
console-repeats = Verhinderte Doppelungen
console-type = Auftragsart
console-jobs = Aufträge
console-search = Titel, Nummer oder ID
console-owner = Person
console-state = Zustand
console-any = Alle
console-none = Kein Auftrag passt.
console-searching = Wird weiter zurück gesucht …
console-pick = { $ref } auswählen
console-picked = { $count } ausgewählt
console-cancel = Ausgewählte abbrechen …
console-retry = Ausgewählte wiederholen …
console-preview = Das wird geschehen
console-cannot = Geht gerade nicht
console-go = Ausführen
console-leave = Doch nicht
console-history = Verlauf
console-history-hint = Wählen Sie einen Auftrag, um alles zu sehen, was mit ihm geschah.
console-at = Was in diesem Moment zu sehen war
console-estimates-tab = Schätzungen
console-estimates = Schätzungen und was geschah
console-estimates-none = Noch keine Schätzung wurde beurteilt. Die ersten kommen, wenn genug Aufträge einer Art geendet haben.
console-estimates-hint = Eine Spanne soll für 8 von 10 Aufträgen gelten, eine Obergrenze für 9 von 10. Ein Balken ist, was den Leuten gesagt wurde, ein Punkt, was kam; ein hohler Punkt lag daneben.
console-estimates-unsaid = Noch wurde nichts darüber gesagt, wie lange diese Art von Auftrag dauert.
console-estimates-plot = Die letzten { $count } Antworten: { $done } haben gestimmt.
console-estimates-of-queue = Bis zum Beginn
console-estimates-of-work = Die Arbeit selbst
console-estimates-of-total = Alles zusammen
console-estimates-of-work_at_start = Die Arbeit, bei Beginn gesagt
console-estimates-of-queue_shown = Bis zum Beginn, wie zuletzt gezeigt
console-estimates-of-work_shown = Die Arbeit, wie zuletzt gezeigt
console-estimates-what = Was
console-estimates-answers = Aufträge
console-estimates-held = Spanne stimmte
console-estimates-below = Kam früher
console-estimates-above = Kam später
console-estimates-bounds_held = Obergrenze stimmte
console-estimates-no = Nichts gesagt
console-estimates-width = Längste ÷ kürzeste
console-estimates-worst_stretch = Schlechteste 200 in Folge
console-types = Auftragsarten
console-workers-none = Gerade arbeitet niemand an einem Auftrag.
console-worker-jobs = Aufträge in Arbeit: { $count }
console-more = und { $count } weitere
console-pick-all = Alle passenden auswählen
console-looking = Wird angesehen: { $done } von { $total }
console-doing = In Arbeit: { $done } von { $total }
console-did = Erledigt: { $done } von { $total }.
console-did-some = Erledigt: { $done } von { $total }. Die anderen haben sich inzwischen geändert; die Liste zeigt, wie es um sie steht.
console-touches = Das geschieht mit { $done } von { $total } ausgewählten:
console-kinds-none = Noch keine Auftragsart ist festgelegt.
console-kind-steps = Schritte
console-kind-same = Wann zwei Klicks einer sind
console-kind-while_active = Solange der erste offen ist, wenn dies gleich ist: { $name }.
console-kind-period = Innerhalb von { $time } nach dem ersten, wenn dies gleich ist: { $name }.
console-kind-forever = Für immer, wenn dies gleich ist: { $name }.
console-kind-never = Nie: Jeder Klick startet einen eigenen Auftrag.
console-kind-retry = Eine Wiederholung
console-kind-safe = Sie ist sicher: Nichts wird doppelt getan.
console-kind-may_duplicate = Sie könnte Daten doppelt anlegen, deshalb wird sie erst bestätigt.
console-kind-may_charge = Sie könnte ein neues Ergebnis oder weitere Kosten verursachen, deshalb wird sie erst bestätigt.
console-kind-resumes = Sie macht weiter, wo der Auftrag stehen blieb.
console-kind-starts_fresh = Sie beginnt von vorn.
console-kind-tries = Versuche, bevor jemand gefragt wird
console-kind-limits = Gleichzeitig
console-kind-per_owner = Für eine Person: { $count }.
console-kind-per_tenant = Für alle Personen zusammen: { $count }.
console-kind-total = Im ganzen Dienst: { $count }.
console-kind-unlimited = So viele, wie Arbeitsplätze da sind.
console-kind-silent = Ein stiller Arbeitsplatz
console-kind-lease = Nach { $time } ohne Lebenszeichen übernimmt ein anderer.
console-kind-result = Wo das Ergebnis ist
console-private = Privat
event-JobRequested = Klick: Der Auftrag wurde gespeichert
event-RequestRepeated = Noch ein Klick: traf diesen Auftrag
event-JobQueued = Wartet auf einen freien Platz
event-JobDelayed = Wartet länger, als es sollte
event-AttemptStarted = Die Arbeit begann
event-StageStarted = Nächster Schritt
event-ProgressReported = Fortschritt
event-ItemsFailed = Etwas braucht Aufmerksamkeit
event-ResultStored = Das Ergebnis wurde gespeichert
event-JobFinished = Fertig
event-NeedsFix = Braucht Hilfe
event-AttemptFailed = Der Versuch ist nicht gelungen
event-AttemptLost = Es kam kein Lebenszeichen mehr
event-AttemptReleased = Die Arbeit wurde zurückgegeben
event-AttemptQuiet = Seit einer Weile kein Fortschritt
event-AttemptStuck = Hängt fest
event-RetryRequested = Wiederholung wurde gewünscht
event-RetryScheduled = Ein neuer Versuch wurde geplant
event-CancelRequested = Abbruch gewünscht
event-JobCanceled = Angehalten
event-LateReportRefused = Eine veraltete Meldung wurde abgewiesen
event-EstimateStated = Die Wartezeit wurde neu angegeben
event-JobTypeDefined = Die Auftragsart wurde eingerichtet oder geändert
event-AuditRead = Jemand hat den Verlauf gelesen
event-PersonErased = Die Daten einer Person wurden entfernt

# An der Stelle dessen, was einem Menschen gehörte, dessen Daten gelöscht wurden.
private-removed = Entfernt

# Die Geschichte eines Auftrags, wie `tidings audit replay` sie erzählt. $who ist der Name einer Person oder eines Dienstes.
told-by-user = { $who }
told-by-service = { $who }, ein Dienst
told-by-worker = { $who }, ein Arbeitsplatz
told-by-system = Tidings
told-detail = { $happened }: { $detail }
told-none = { $tenant } hat keinen Auftrag { $job }. Prüfen Sie die Nummer, oder nennen Sie mit --tenant einen anderen Mandanten.
told-none-yet = Den Auftrag { $job } gab es damals noch nicht. Wählen Sie eine spätere Zeit.
told-all-same = Alle { $jobs } Aufträge aus { $events } Ereignissen werden so gezeigt, wie das Protokoll es sagt.
told-all-differ = { $count } von { $jobs } Aufträgen werden nicht so gezeigt, wie das Protokoll es sagt. Sie stehen in { $folder }.
