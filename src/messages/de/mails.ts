import type { Mails } from '../mail-words.ts'
import { browser } from './browser.ts'

const securing =
  'Damit werden alle Geräte abgemeldet, und das Passwort ist gesperrt, bis Sie ein neues festlegen. Den Link dafür schicken wir Ihnen.'

/** Nach einem Code neben einem Link. */
const eitherOne = 'Sie brauchen nur den Link oder den Code, nicht beides. Beide laufen gleichzeitig ab.'

/**
 * German, formal. A duration stands where it needs no case ending („ist 3 Tage gültig“, not „innerhalb von 3
 * Tagen“), since it comes in the nominative.
 */
export const mails: Mails = {
  greeting: 'Guten Tag!',
  linkHint: 'Falls die Schaltfläche nicht funktioniert, kopieren Sie diesen Link in Ihren Browser:',
  unknownDevice: 'unbekannt',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Bestätigen Sie Ihre E-Mail-Adresse für ${service}`,
    before: [
      `Um Ihre Registrierung bei ${service} abzuschließen, öffnen Sie diesen Link und wählen Sie Ihr Passwort:`,
    ],
    button: 'E-Mail-Adresse bestätigen',
    beforeCode:
      'Haben Sie sich auf dem Telefon oder einem anderen Gerät registriert? Geben Sie stattdessen dort diesen Code ein:',
    afterCode: eitherOne,
    after: [`Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig.`],
    reason: `Diese E-Mail ging an ${to}, weil jemand, vermutlich Sie, diese Adresse bei ${service} registriert hat.`,
    notYou:
      'Wenn Sie das nicht waren, ignorieren Sie diese E-Mail. Legen Sie kein Passwort fest und geben Sie weder den Link noch den Code weiter, wer auch immer danach fragt. Solange die Adresse nicht bestätigt ist, entsteht kein Konto.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `Sie haben bereits ein Konto bei ${service}`,
    before: [
      `Jemand, vielleicht Sie, wollte ${to} bei ${service} registrieren. Zu dieser Adresse gibt es bereits ein Konto; daran wurde nichts geändert.`,
      'Sie können sich mit Ihrem Passwort anmelden. Falls Sie es vergessen haben, wählen Sie hier ein neues:',
    ],
    button: 'Passwort zurücksetzen',
    after: [],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse eines Kontos bei ${service} ist.`,
    notYou:
      'Wenn Sie das nicht waren, brauchen Sie nichts zu tun. Wer auch immer es war, hat nicht erfahren, dass es ein Konto gibt.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Setzen Sie Ihr Passwort für ${service} zurück`,
    before: [`Um ein neues Passwort für Ihr Konto bei ${service} zu wählen, öffnen Sie diesen Link:`],
    button: 'Neues Passwort wählen',
    beforeCode:
      'Haben Sie es auf dem Telefon oder einem anderen Gerät angefordert? Geben Sie stattdessen dort diesen Code ein:',
    afterCode: eitherOne,
    after: [
      `Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Sobald Sie ein neues Passwort festlegen, werden alle Geräte abgemeldet.`,
    ],
    reason: `Diese E-Mail ging an ${to}, weil jemand, vermutlich Sie, das Passwort dieses Kontos zurücksetzen möchte.`,
    notYou:
      'Wenn Sie das nicht waren, ignorieren Sie diese E-Mail: Ihr Passwort bleibt, wie es ist. Geben Sie weder den Link noch den Code weiter, wer auch immer danach fragt: Jedes von beiden genügt, um Ihr Konto zu übernehmen.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Ihr Code zum Ändern des Passworts für ${service}`,
    before: [
      `Jemand, der in Ihrem Konto bei ${service} angemeldet ist und das Passwort kennt, möchte es ändern. Um fortzufahren, geben Sie diesen Code dort ein, wo Sie die Änderung angefordert haben:`,
    ],
    after: [
      `Der Code funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Geben Sie ihn nie weiter, wer auch immer danach fragt.`,
      'Sobald das Passwort geändert ist, werden alle Geräte abgemeldet.',
    ],
    reason: `Diese E-Mail ging an ${to}, weil jemand, vermutlich Sie, das Passwort dieses Kontos ändern möchte.`,
    notYou:
      'Wenn Sie das nicht waren, kennt jemand anderes Ihr Passwort: Setzen Sie es sofort zurück. Damit werden alle Geräte abgemeldet, und dieser Code wird nutzlos.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Ihr Passwort für ${service} wurde geändert`,
    before: [
      `Das Passwort Ihres Kontos bei ${service} wurde am ${at} geändert, und alle Geräte wurden abgemeldet.`,
      `Wenn Sie das waren, brauchen Sie nichts zu tun. Wenn nicht, sichern Sie zuerst Ihr Postfach, denn wer das Passwort geändert hat, kann vielleicht Ihre E-Mails lesen. Öffnen Sie dann diesen Link und geben Sie dort die Adresse ${to} ein:`,
    ],
    button: 'Das war ich nicht',
    after: [securing],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse dieses Kontos ist.`,
    notYou:
      'Wenn Sie das nicht waren, warten Sie nicht: Bis Sie handeln, kann jemand anderes Ihr Konto benutzen.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Bestätigen Sie Ihre neue E-Mail-Adresse für ${service}`,
    before: [
      `Jemand, vermutlich Sie, möchte ${to} zur E-Mail-Adresse eines Kontos bei ${service} machen. Um das zu bestätigen, öffnen Sie diesen Link und geben Sie das Passwort dieses Kontos ein:`,
    ],
    button: 'Neue Adresse bestätigen',
    beforeCode:
      'Ist Ihr Konto auf dem Telefon oder einem anderen Gerät geöffnet? Geben Sie stattdessen dort, wo Sie die Änderung angefordert haben, diesen Code ein:',
    afterCode: eitherOne,
    after: [
      `Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Bis zur Bestätigung behält das Konto seine bisherige Adresse.`,
    ],
    reason: `Diese E-Mail ging an ${to}, weil jemand diese Adresse für ein Konto bei ${service} verwenden möchte.`,
    notYou:
      'Wenn Sie das nicht waren, ignorieren Sie diese E-Mail. Geben Sie kein Passwort ein und geben Sie weder den Link noch den Code weiter, wer auch immer danach fragt. Ohne Bestätigung wird die Adresse nicht verwendet.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `Neue E-Mail-Adresse für ${service} angefordert`,
    before: [
      `Am ${at} hat jemand, der in Ihrem Konto bei ${service} angemeldet ist und das Passwort kennt, eine Änderung der E-Mail-Adresse auf ${newEmail} angefordert. Noch ist nichts geändert: Zuerst muss die neue Adresse bestätigt werden.`,
      `Wenn Sie das waren, brauchen Sie hier nichts zu tun. Wenn nicht, öffnen Sie diesen Link und geben Sie dort die Adresse ${to} ein:`,
    ],
    button: 'Das war ich nicht',
    after: [`${securing} Die neue Adresse lässt sich dann nicht mehr bestätigen.`],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse dieses Kontos ist.`,
    notYou: 'Wenn Sie das nicht waren, warten Sie nicht: Jemand anderes kennt Ihr Passwort.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Ihre E-Mail-Adresse für ${service} wurde geändert`,
    before: [
      `Die E-Mail-Adresse Ihres Kontos bei ${service} wurde am ${at} auf ${newEmail} geändert. Melden Sie sich ab jetzt mit der neuen Adresse an; E-Mails zum Konto gehen dorthin.`,
      `Wenn Sie das waren, brauchen Sie nichts zu tun. Wenn nicht, öffnen Sie diesen Link und geben Sie dort die Adresse ${to} ein:`,
    ],
    button: 'Das war ich nicht',
    after: [`${securing} Außerdem wird ${to} wieder zur Adresse des Kontos.`],
    reason: `Diese E-Mail ging an ${to}, weil es bis dahin die Adresse dieses Kontos war.`,
    notYou: 'Wenn Sie das nicht waren, warten Sie nicht: Jemand anderes hat Ihr Konto.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `Anmeldung bei ${service} von einem neuen Gerät`,
    before: [
      `Am ${at} hat sich jemand von einem Gerät, das wir noch nicht kannten, in Ihrem Konto bei ${service} angemeldet.`,
      `Gerät: ${browser.device(device)}`,
      ...(ip === null ? [] : [`IP-Adresse: ${ip}`]),
      `Wenn Sie das waren, brauchen Sie nichts zu tun. Wenn nicht, öffnen Sie diesen Link und geben Sie dort die Adresse ${to} ein:`,
    ],
    button: 'Das war ich nicht',
    after: [securing],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse dieses Kontos ist.`,
    notYou: 'Wenn Sie das nicht waren, warten Sie nicht: Jemand anderes kennt Ihr Passwort.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Ihr Konto bei ${service} ist gesichert`,
    before: [
      `Ihr Konto bei ${service} ist gesichert: Alle Geräte sind abgemeldet, und das alte Passwort gilt nicht mehr. Um ein neues zu wählen, öffnen Sie diesen Link:`,
    ],
    button: 'Neues Passwort wählen',
    after: [
      `Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Danach setzen Sie Ihr Passwort über „Passwort vergessen?“ zurück.`,
      'Wählen Sie ein Passwort, das Sie sonst nirgends verwenden, und geben Sie den Link nie weiter.',
    ],
    reason: `Diese E-Mail ging an ${to}, weil jemand, vermutlich Sie, auf eine Mitteilung zu diesem Konto mit „Das war ich nicht“ geantwortet hat.`,
    notYou:
      'Wenn Sie das nicht waren, liest vielleicht jemand anderes Ihre E-Mails: Sichern Sie Ihr Postfach und wählen Sie dann trotzdem ein neues Passwort.',
  }),

  invitation: ({ service, to, validFor }) => ({
    subject: `Einladung zu ${service}`,
    before: [
      `Für Sie ist ein Konto bei ${service} vorbereitet. Um Ihr Passwort zu wählen und sich anzumelden, öffnen Sie diesen Link:`,
    ],
    button: 'Einladung annehmen',
    after: [`Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig.`],
    reason: `Diese E-Mail ging an ${to}, weil jemand, der ${service} betreibt, diese Adresse eingeladen hat.`,
    notYou:
      'Wenn Sie keine Einladung erwarten, ignorieren Sie diese E-Mail. Geben Sie den Link nie weiter, egal wer fragt.',
  }),

  reset_required: ({ service, to, validFor }) => ({
    subject: `Wählen Sie ein neues Passwort für ${service}`,
    before: [
      `Die Betreiber von ${service} bitten Sie, ein neues Passwort zu wählen. Das alte gilt nicht mehr, und alle Geräte wurden abgemeldet. Um ein neues zu wählen, öffnen Sie diesen Link:`,
    ],
    button: 'Neues Passwort wählen',
    after: [
      `Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Danach fordern Sie das Zurücksetzen des Passworts neu an.`,
    ],
    reason: `Diese E-Mail ging an ${to}, weil dies die Adresse eines Kontos bei ${service} ist.`,
    notYou:
      'Wählen Sie ein Passwort, das Sie sonst nirgends verwenden, und geben Sie den Link nie weiter, egal wer fragt.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Ihr Konto bei ${service} wurde gelöscht`,
    before: [
      `Ihr Konto bei ${service} wurde mit allem, was dazugehörte, gelöscht. Verlangt hat das jemand, der angemeldet war und das Passwort kannte.`,
      'Sie können sich mit dieser Adresse jederzeit gern wieder registrieren. Dabei entsteht ein neues, leeres Konto.',
    ],
    after: [],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse dieses Kontos war.`,
    notYou: `Wenn Sie das nicht waren, kannte jemand anderes Ihr Passwort: Ändern Sie es überall, wo Sie es sonst noch verwenden, und schreiben Sie dem Betreiber von ${service}. Mit „Das war ich nicht“ in einer früheren E-Mail von uns lässt sich das Konto wiederherstellen, solange deren Link gültig ist, sonst nicht.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Ihr Konto bei ${service} wurde gelöscht`,
    before: [
      `Ihr Konto bei ${service} wurde am ${at} gelöscht. Verlangt hat das jemand, der angemeldet war und das Passwort kannte.`,
      `Wenn Sie das waren, brauchen Sie nichts zu tun. Wenn nicht, öffnen Sie diesen Link und geben Sie dort die Adresse ${to} ein:`,
    ],
    button: 'Das war ich nicht',
    after: [
      `Damit wird das Konto wiederhergestellt, ${to} wird seine Adresse, das Passwort ist gesperrt, bis Sie ein neues festlegen, und wir schicken Ihnen den Link dafür. Der Link funktioniert einmal und ist ab dem Versand dieser E-Mail ${validFor} gültig. Danach lässt sich das Konto nicht wiederherstellen.`,
      'Sie können sich mit dieser Adresse jederzeit gern wieder registrieren. Dabei entsteht ein neues, leeres Konto, und das alte lässt sich dann nicht wiederherstellen.',
    ],
    reason: `Diese E-Mail ging an ${to}, weil es die Adresse dieses Kontos ist oder war.`,
    notYou:
      'Wenn Sie das nicht waren, warten Sie nicht: Jemand anderes kannte Ihr Passwort. Ändern Sie es überall, wo Sie es sonst noch verwenden.',
  }),
}
