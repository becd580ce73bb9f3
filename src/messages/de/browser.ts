import type { BrowserWords } from '../en/browser.ts'

/** German, formal. The hyphen of “E-Mail” is one that breaks no line, written as an escape so that it can be seen. */
export const browser: BrowserWords = {
  show: 'Anzeigen',
  hide: 'Verbergen',
  busy: 'Einen Moment …',
  slow: 'Das dauert länger als sonst …',

  required: 'Bitte füllen Sie dieses Feld aus.',
  emailForm: 'Geben Sie eine E\u2011Mail-Adresse ein, zum Beispiel ada@example.org.',
  repeatDiffers: 'Die beiden Passwörter stimmen nicht überein.',
  codeForm: digits => `Geben Sie die ${digits} Ziffern des Codes ein.`,
  typedEmailDiffers: 'Das ist nicht die E\u2011Mail-Adresse Ihres Kontos.',

  strength: {
    tooShort: missing => `Zu kurz: noch ${missing} Zeichen.`,
    weak: 'Schwach: leicht zu erraten.',
    fair: 'Mittel. Ein paar Zeichen mehr machen es stark.',
    strong: 'Stark.',
  },
  rejected: {
    short: minimum => `Verwenden Sie mindestens ${minimum} Zeichen.`,
    long: 'Verwenden Sie höchstens 128 Zeichen.',
    email: 'Das Passwort darf nicht Ihre E\u2011Mail-Adresse sein.',
    service: 'Das Passwort darf nicht der Name dieses Dienstes sein.',
    other: 'Dieses Passwort ist verbreitet und deshalb leicht zu erraten. Bitte wählen Sie ein anderes.',
  },

  validFor: duration => `Dieser Link ist noch ${duration} gültig.`,
  wait: duration => `Zu viele Versuche. Bitte warten Sie ${duration} und versuchen Sie es dann noch einmal.`,
  overloaded: duration => `Der Dienst ist ausgelastet. Bitte warten Sie ${duration}.`,

  problems: {
    validation_failed: 'Etwas in diesem Formular stimmt nicht. Bitte prüfen Sie Ihre Eingaben.',
    malformed_json: 'Die Anfrage wurde unterwegs beschädigt. Bitte versuchen Sie es noch einmal.',
    bad_request: 'Die Anfrage wurde unterwegs beschädigt. Bitte versuchen Sie es noch einmal.',
    token_invalid: 'Dieser Link ist nicht gültig. Vielleicht wurde er nicht vollständig kopiert.',
    token_expired: 'Dieser Link ist abgelaufen.',
    token_spent: 'Dieser Link wurde schon verwendet oder durch einen neuen ersetzt.',
    code_invalid: 'Dieser Code ist falsch. Nach fünf falschen Versuchen brauchen Sie einen neuen.',
    invalid_credentials:
      'Die E\u2011Mail-Adresse oder das Passwort ist falsch, oder die Adresse ist noch nicht bestätigt.',
    unauthenticated: 'Sie sind nicht mehr angemeldet.',
    refresh_token_invalid: 'Sie sind nicht mehr angemeldet.',
    invalid_password: 'Dieses Passwort ist falsch.',
    email_not_confirmed: 'Diese E\u2011Mail-Adresse ist noch nicht bestätigt.',
    account_disabled: 'Dieses Konto ist gesperrt. Bitte schreiben Sie dem Betreiber des Dienstes.',
    origin_not_allowed: 'Diese Anfrage kam von einer anderen Website.',
    not_found: 'Das gibt es nicht mehr.',
    method_not_allowed: 'Das geht hier nicht.',
    request_timeout: 'Die Anfrage hat zu lange gedauert. Bitte versuchen Sie es noch einmal.',
    email_taken: 'Zu dieser E\u2011Mail-Adresse gibt es schon ein Konto.',
    payload_too_large: 'Ihre Eingabe ist zu lang.',
    unsupported_media_type: 'Das geht hier nicht.',
    password_rejected: 'Bitte wählen Sie ein anderes Passwort.',
    rate_limited: 'Zu viele Versuche. Bitte warten Sie einen Moment.',
    headers_too_large:
      'Ihr Browser hat zu viel gesendet. Löschen Sie die Cookies dieser Website und versuchen Sie es noch einmal.',
    internal_error: 'Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es gleich noch einmal.',
    overloaded: 'Der Dienst ist ausgelastet. Bitte versuchen Sie es gleich noch einmal.',
    not_ready: 'Der Dienst ist noch nicht bereit. Bitte versuchen Sie es gleich noch einmal.',
  },
  wrongPassword: 'Dieses Passwort ist falsch.',
  codeExpired: 'Dieser Code ist abgelaufen. Bitte fordern Sie einen neuen an.',
  network:
    'Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal. Nichts ist verloren.',
  timeout: 'Der Dienst antwortet nicht. Versuchen Sie es noch einmal. Nichts ist verloren.',
  damagedLink:
    'Der Link aus unserer E\u2011Mail wurde unterwegs verändert, von Ihrem E\u2011Mail-Programm oder von einem Filter. So funktioniert er nicht.',
  insecure:
    'Diese Seite wurde unverschlüsselt (http) geladen. Deshalb kann Ihr Browser Sie hier nicht angemeldet halten.',
  refused:
    'Ihr Browser blockiert Cookies oder Daten dieser Website. Deshalb können Sie hier nicht angemeldet bleiben. Erlauben Sie beides und laden Sie die Seite neu.',

  notices: {
    logged_out: 'Sie sind abgemeldet.',
    session_ended: 'Sie wurden abgemeldet. Bitte melden Sie sich wieder an.',
    password_set:
      'Ihr neues Passwort ist festgelegt, und alle Geräte sind abgemeldet. Melden Sie sich jetzt damit an.',
    account_deleted: 'Ihr Konto wurde gelöscht. Alles Gute!',
    confirmed: 'Ihre E\u2011Mail-Adresse ist bestätigt. Willkommen!',
    email_changed: 'Ihre E\u2011Mail-Adresse wurde geändert. Melden Sie sich ab jetzt mit der neuen an.',
  },

  thisDevice: 'Dieses Gerät',
  unknownDevice: 'Unbekanntes Gerät',
  device: name => name.replace(/^Other client/, 'Anderes Programm').replace(' on ', ' auf '),
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
    confirmed: 'E\u2011Mail-Adresse bestätigt',
    logged_in: 'Angemeldet',
    log_in_refused: 'Anmeldeversuch mit falschem Passwort',
    refresh_token_reused:
      'Ein alter Sitzungsschlüssel wurde wiederverwendet, deshalb wurde die Sitzung beendet',
    reset_requested: 'Neues Passwort angefordert',
    password_reset: 'Passwort per Link oder Code zurückgesetzt',
    password_changed: 'Passwort geändert',
    email_changed: 'E\u2011Mail-Adresse geändert',
    session_ended: 'Ein Gerät wurde abgemeldet',
    secured: 'Konto gesichert: „Das war ich nicht“',
    exported: 'Daten heruntergeladen',
    deleted: 'Konto gelöscht',
    invited: 'Vom Betreiber eingeladen',
    disabled: 'Vom Betreiber gesperrt',
    enabled: 'Vom Betreiber freigegeben',
    reset_required: 'Der Betreiber verlangt ein neues Passwort',
    unlocked: 'Vom Betreiber entsperrt',
    claims_changed: 'Rollen vom Betreiber geändert',
  },
}
