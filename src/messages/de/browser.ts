import type { BrowserWords } from '../en/browser.ts'

/** German, formal. */
export const browser: BrowserWords = {
  show: 'Anzeigen',
  hide: 'Verbergen',
  busy: 'Einen Moment …',
  slow: 'Es dauert länger als sonst. Bitte warten Sie …',

  required: 'Bitte füllen Sie dieses Feld aus.',
  emailForm: 'Eine E-Mail-Adresse hat ein @ und eine Domain, zum Beispiel ada@example.org.',
  repeatDiffers: 'Das ist nicht dasselbe Passwort.',
  codeForm: digits => `Der Code hat ${digits} Ziffern.`,
  typedEmailDiffers: 'Das ist nicht die Adresse Ihres Kontos.',

  strength: {
    tooShort: missing => `Zu kurz: noch ${missing} Zeichen.`,
    weak: 'Schwach: Wer lange probiert, fände es.',
    fair: 'Mittel. Einige Zeichen mehr machen es stark.',
    strong: 'Stark.',
  },
  rejected: {
    short: minimum => `Das Passwort muss mindestens ${minimum} Zeichen haben.`,
    long: 'Das Passwort darf höchstens 128 Zeichen haben.',
    email: 'Das Passwort darf nicht Ihre E-Mail-Adresse sein.',
    service: 'Das Passwort darf nicht der Name dieses Dienstes sein.',
    other: 'Dieses Passwort gehört zu denen, die zuerst probiert werden. Bitte wählen Sie ein anderes.',
  },

  validFor: duration => `Ihr Link ist noch ${duration} gültig.`,
  wait: duration => `Zu viele Versuche. Bitte warten Sie ${duration} und versuchen Sie es dann noch einmal.`,
  overloaded: duration => `Der Dienst ist ausgelastet. Bitte warten Sie ${duration}.`,

  problems: {
    validation_failed: 'Etwas in diesem Formular ist nicht so, wie es sein sollte.',
    malformed_json: 'Die Anfrage kam nicht vollständig an. Bitte versuchen Sie es noch einmal.',
    bad_request: 'Die Anfrage kam nicht vollständig an. Bitte versuchen Sie es noch einmal.',
    token_invalid: 'Dieser Link ist nicht gültig. Wurde er vollständig kopiert?',
    token_expired: 'Dieser Link ist abgelaufen.',
    token_spent: 'Dieser Link wurde schon verwendet, oder das, wofür er war, hat sich geändert.',
    code_invalid: 'Dieser Code stimmt nicht. Nach fünf falschen brauchen Sie einen neuen.',
    invalid_credentials:
      'Die Adresse oder das Passwort ist falsch, oder die Adresse ist noch nicht bestätigt.',
    unauthenticated: 'Sie sind nicht mehr angemeldet.',
    refresh_token_invalid: 'Sie sind nicht mehr angemeldet.',
    invalid_password: 'Das ist nicht das richtige Passwort.',
    email_not_confirmed: 'Diese Adresse ist noch nicht bestätigt.',
    account_disabled: 'Dieses Konto ist gesperrt. Bitte schreiben Sie denen, die den Dienst betreiben.',
    origin_not_allowed: 'Diese Anfrage kam von einer anderen Website.',
    not_found: 'Das gibt es nicht mehr.',
    method_not_allowed: 'Das geht hier nicht.',
    request_timeout: 'Die Anfrage hat zu lange gedauert. Bitte versuchen Sie es noch einmal.',
    email_taken: 'Zu dieser Adresse gibt es schon ein Konto.',
    payload_too_large: 'Das war zu lang.',
    unsupported_media_type: 'Das geht hier nicht.',
    password_rejected: 'Bitte wählen Sie ein anderes Passwort.',
    rate_limited: 'Zu viele Versuche. Bitte warten Sie etwas.',
    headers_too_large: 'Das war zu lang.',
    internal_error: 'Hier ist etwas schiefgegangen. Bitte versuchen Sie es gleich noch einmal.',
    overloaded: 'Der Dienst ist ausgelastet. Bitte versuchen Sie es gleich noch einmal.',
    not_ready: 'Der Dienst ist noch nicht bereit. Bitte versuchen Sie es gleich noch einmal.',
  },
  wrongPassword: 'Das ist nicht das richtige Passwort.',
  codeExpired: 'Der Code ist abgelaufen. Bitte fordern Sie einen neuen an.',
  network:
    'Der Dienst ist nicht erreichbar. Steht die Verbindung? Nichts ist verloren: Versuchen Sie es noch einmal.',
  timeout: 'Der Dienst antwortet nicht. Nichts ist verloren: Versuchen Sie es noch einmal.',
  damagedLink:
    'Der Link aus der E-Mail wurde unterwegs verändert, von Ihrem E-Mail-Programm oder von einem Filter dazwischen. So funktioniert er nicht.',
  insecure:
    'Diese Seite wurde unverschlüsselt (http) geladen. Browser können Sie hier nicht angemeldet halten.',
  refused:
    'Ihr Browser speichert für diese Website keine Cookies oder keine Daten, deshalb können Sie hier nicht angemeldet bleiben. Erlauben Sie beides und laden Sie die Seite dann neu.',

  notices: {
    logged_out: 'Sie sind abgemeldet.',
    session_ended: 'Sie wurden abgemeldet. Bitte melden Sie sich wieder an.',
    password_set:
      'Ihr neues Passwort ist gesetzt, und alle Geräte sind abgemeldet. Melden Sie sich jetzt damit an.',
    account_deleted: 'Ihr Konto ist gelöscht. Alles Gute!',
    confirmed: 'Ihre Adresse ist bestätigt. Willkommen!',
    email_changed: 'Ihre Adresse ist geändert. Von jetzt an melden Sie sich mit der neuen an.',
  },

  thisDevice: 'Dieses Gerät',
  unknownDevice: 'Unbekanntes Gerät',
  lastUsed: when => `Zuletzt verwendet: ${when}`,
  from: ip => `von ${ip}`,
  logOutDevice: 'Abmelden',
  logOutNamed: (device, when) => `Abmelden: ${device}, zuletzt verwendet: ${when}`,
  loggedOutDevice: 'Das Gerät ist abgemeldet.',
  loggedOutOthers: 'Alle anderen Geräte sind abgemeldet.',
  notConfirmed: 'noch nicht',
  saved: 'Gespeichert.',
  exported: 'Ihre Daten liegen bei den Downloads Ihres Browsers.',
  events: {
    registered: 'Registriert',
    confirmed: 'Adresse bestätigt',
    logged_in: 'Angemeldet',
    log_in_refused: 'Anmeldung mit falschem Passwort',
    refresh_token_reused: 'Eine verbrauchte Sitzung wurde noch einmal gezeigt und beendet',
    reset_requested: 'Neues Passwort angefordert',
    password_reset: 'Passwort per Link oder Code gesetzt',
    password_changed: 'Passwort geändert',
    email_changed: 'Adresse geändert',
    session_ended: 'Ein Gerät wurde abgemeldet',
    secured: 'Konto gesichert: „Das war ich nicht“',
    exported: 'Daten heruntergeladen',
    deleted: 'Konto gelöscht',
  },
}
