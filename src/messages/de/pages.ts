import type { PageWords } from '../en/pages.ts'

/** German, formal. */
export const pages: PageWords = {
  skip: 'Zum Inhalt springen',
  navigation: 'Konto',
  needsScript: 'Diese Seite braucht JavaScript, und Ihr Browser führt hier keines aus.',
  noScriptHelp: 'Erlauben Sie JavaScript für diese Website und laden Sie die Seite neu.',
  notWhole:
    'Diese Seite ist nicht vollständig angekommen. Wenn das hier stehen bleibt, laden Sie die Seite neu.',
  email: 'E-Mail-Adresse',
  password: 'Passwort',
  newPassword: 'Neues Passwort',
  repeatPassword: 'Dasselbe Passwort noch einmal',
  currentPassword: 'Aktuelles Passwort',
  showPassword: 'Anzeigen',
  passwordHint: minimum =>
    `Mindestens ${minimum} Zeichen. Einige zufällige Wörter ergeben ein gutes Passwort.`,
  logIn: 'Anmelden',
  logOut: 'Abmelden',
  register: 'Registrieren',
  account: 'Mein Konto',
  forgot: 'Passwort vergessen?',
  cancel: 'Abbrechen',

  home: {
    title: service => `Ihr Konto bei ${service}`,
    lead: 'Registrieren Sie sich, melden Sie sich an, verwalten Sie Ihr Konto, und finden Sie zurück, wenn das Passwort weg ist.',
    registerText: 'Neu hier? Sie brauchen nur eine E-Mail-Adresse.',
    logInText: 'Sie haben ein Konto und wissen das Passwort.',
    forgotTitle: 'Passwort vergessen',
    forgotText: 'Wir schicken Ihnen einen Link und einen Code für andere Geräte.',
    accountText: 'Geräte, Passwort, Adresse, Verlauf und Ihre Daten.',
  },

  registration: {
    title: 'Registrieren',
    lead: 'Geben Sie Ihre E-Mail-Adresse ein. Wir schicken Ihnen einen Link, mit dem Sie sie bestätigen und Ihr Passwort wählen.',
    submit: 'Registrieren',
    haveAccount: 'Sie haben schon ein Konto?',
    sentTitle: 'Sehen Sie in Ihr Postfach',
    sentLead: 'Wenn sich diese Adresse registrieren lässt, ist eine E-Mail unterwegs an:',
    again: 'Noch einmal senden',
    another: 'Andere Adresse verwenden',
    doneTitle: 'Ihr Konto ist bereit',
    doneLead: 'Sie können sich jetzt mit Ihrem Passwort anmelden.',
  },

  login: {
    title: 'Anmelden',
    noAccount: 'Noch kein Konto?',
    offer:
      'Sie haben sich registriert und Ihre Adresse nie bestätigt? Wir können die E-Mail noch einmal senden.',
    unconfirmedTitle: 'Bestätigen Sie zuerst Ihre Adresse',
    unconfirmedLead:
      'Ihre Registrierung wartet darauf, dass Sie den Link in unserer E-Mail öffnen. Wir können sie noch einmal senden.',
    resend: 'E-Mail noch einmal senden',
  },

  confirmation: {
    title: 'Adresse bestätigen',
    lead: 'Wählen Sie Ihr Passwort. Damit ist Ihre Adresse bestätigt, und Sie sind angemeldet.',
    forAddress: 'Ihr Konto gehört zu dieser Adresse:',
    submit: 'Bestätigen und anmelden',
    caution:
      'Das ist nicht Ihre Adresse, oder Sie haben sich nicht registriert? Dann schließen Sie diese Seite. Solange Sie kein Passwort festlegen, entsteht kein Konto.',
    doneTitle: 'Ihre Adresse ist bestätigt',
    doneLead:
      'Ihr Passwort ist gesetzt, aber Sie sind nicht angemeldet: Ihr Browser speichert für diese Website keine Cookies oder keine Daten. Erlauben Sie beides und melden Sie sich dann an.',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead:
      'Wenn Sie Ihre Adresse schon bestätigt haben, melden Sie sich einfach an. Sonst fordern Sie einen neuen Link an.',
    missingTitle: 'Adresse bestätigen',
    missingLead:
      'Haben Sie den Link in unserer E-Mail geöffnet? Dann ist er nicht vollständig angekommen. Geben Sie Ihre Adresse ein: Wir schicken Ihnen einen neuen Link und einen Code, den Sie hier eingeben können.',
    resend: 'Neuen Link senden',
    resentTitle: 'Sehen Sie in Ihr Postfach',
    resentLead: 'Wenn diese Adresse noch zu bestätigen ist, ist eine E-Mail unterwegs an:',
    resentNext:
      'Öffnen Sie den Link darin und wählen Sie Ihr Passwort. Oder geben Sie, wenn Sie Ihre E-Mails auf einem anderen Gerät lesen, hier den Code daraus ein:',
    otherwise: 'Noch nicht registriert?',
  },

  forgotten: {
    title: 'Passwort vergessen?',
    lead: 'Geben Sie die Adresse Ihres Kontos ein. Wir schicken Ihnen einen Link, mit dem Sie ein neues Passwort wählen.',
    submit: 'Link senden',
    remembered: 'Es ist Ihnen wieder eingefallen?',
    sentTitle: 'Sehen Sie in Ihr Postfach',
    sentLead: 'Wenn es zu dieser Adresse ein Konto gibt, ist eine E-Mail unterwegs an:',
    sentNext:
      'Öffnen Sie den Link darin. Oder geben Sie, wenn Sie Ihre E-Mails auf einem anderen Gerät lesen, hier den Code daraus ein:',
    code: 'Code aus der E-Mail',
    codeHint: 'Acht Ziffern. Nur in der neuesten E-Mail stehen die richtigen.',
    submitCode: 'Neues Passwort setzen',
    missing: 'Keine E-Mail? Es kann eine Minute dauern. Sehen Sie auch im Spam-Ordner nach.',
    again: 'Von vorn beginnen',
  },

  reset: {
    title: 'Neues Passwort wählen',
    checking: 'Einen Moment, wir prüfen Ihren Link.',
    afterwards:
      'Wenn Sie es setzen, werden alle Geräte abgemeldet, und Sie melden sich mit dem neuen Passwort an.',
    submit: 'Neues Passwort setzen',
    retry: 'Noch einmal versuchen',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead: 'Ein neuer ist nur einen Klick entfernt.',
    missingTitle: 'Neues Passwort wählen',
    missingLead:
      'Haben Sie den Link in unserer E-Mail geöffnet? Dann ist er nicht vollständig angekommen. Geben Sie die Adresse Ihres Kontos ein: Wir schicken Ihnen einen neuen Link und einen Code, den Sie hier eingeben können.',
  },

  emailChange: {
    title: 'Neue Adresse bestätigen',
    lead: 'Geben Sie das Passwort Ihres Kontos ein, dann wird dies die Adresse des Kontos.',
    submit: 'Neue Adresse bestätigen',
    caution: 'Sie haben das nicht verlangt? Dann schließen Sie diese Seite, und nichts ändert sich.',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead: 'In Ihrem Konto können Sie einen neuen anfordern.',
    missingLead:
      'Haben Sie den Link in unserer E-Mail geöffnet? Dann ist er nicht vollständig angekommen. In Ihrem Konto, wo Sie die Änderung angefordert haben, können Sie den Code aus der E-Mail eingeben oder eine neue E-Mail anfordern.',
    takenTitle: 'Zu dieser Adresse gibt es schon ein Konto',
    takenLead: 'Jemand hat sie inzwischen registriert. Ihr Konto behält seine bisherige Adresse.',
    doneTitle: 'Ihre Adresse ist geändert',
    doneLead: 'Von jetzt an melden Sie sich mit der neuen Adresse an, und E-Mails gehen dorthin.',
  },

  secure: {
    title: 'Das waren nicht Sie?',
    lead: 'Dann sperren Sie aus, wer auch immer es war. Geben Sie dazu die Adresse ein, an die der Hinweis ging.',
    whatHappens: 'Das geschieht, wenn Sie die Schaltfläche drücken:',
    effects: [
      'Alle Geräte werden sofort abgemeldet.',
      'Das Passwort gilt nicht mehr, wer auch immer es gesetzt hat.',
      'Eine geänderte Adresse wird zurückgenommen.',
      'Sie bekommen eine E-Mail mit einem Link, um ein neues Passwort zu wählen.',
    ],
    submit: 'Mein Konto sichern',
    doneTitle: 'Ihr Konto ist gesichert',
    doneLead: 'Alle Geräte sind abgemeldet, das alte Passwort ist gesperrt. Eine E-Mail ist unterwegs an:',
    doneNext:
      'Öffnen Sie den Link darin und wählen Sie ein neues Passwort, das Sie sonst nirgends verwenden.',
    staleTitle: 'Dieser Link bewirkt hier nichts',
    staleLead: 'Oder die Adresse ist nicht die, an die der Hinweis ging.',
    tryAgain: 'Adresse noch einmal eingeben',
    resetInstead: 'Neues Passwort wählen',
    missingTitle: 'Das waren nicht Sie?',
    missingLead:
      'Haben Sie den Link in unserem Hinweis geöffnet? Dann ist er nicht vollständig angekommen: Kopieren Sie ihn ganz aus der E-Mail in die Adresszeile. Wenn das nicht hilft, wählen Sie ein neues Passwort: Auch damit werden alle Geräte abgemeldet.',
  },

  me: {
    title: 'Mein Konto',
    loading: 'Einen Moment, wir holen Ihr Konto.',
    failedTitle: 'Ihr Konto lässt sich gerade nicht anzeigen',
    retry: 'Noch einmal versuchen',
    you: 'Sie',
    address: 'Adresse',
    confirmed: 'Bestätigt',
    since: 'Konto seit',
    passwordSince: 'Passwort gesetzt',
    security: 'Zugang',
    changePassword: 'Passwort ändern',
    passwordStep1: 'Geben Sie zuerst das aktuelle Passwort ein. Dann schicken wir Ihnen einen Code.',
    sendCode: 'Code senden',
    passwordStep2:
      'Wir haben Ihnen einen Code aus sechs Ziffern geschickt. Er gehört zu Ihrem neuen Passwort.',
    code: 'Code aus der E-Mail',
    codeHint: 'Sechs Ziffern.',
    setPassword: 'Passwort ändern',
    setPasswordNote: 'Danach sind alle Geräte abgemeldet, auch dieses.',
    changeEmail: 'Adresse ändern',
    newEmail: 'Neue E-Mail-Adresse',
    emailNote:
      'Wir schicken einen Link und einen Code an die neue Adresse. Bis Sie eines davon verwenden, ändert sich nichts.',
    emailStep2:
      'Wenn die neue Adresse frei ist, ist eine E-Mail dorthin unterwegs. Öffnen Sie den Link darin oder geben Sie hier den Code daraus ein:',
    sendLink: 'E-Mail senden',
    devices: 'Geräte',
    devicesLead: 'Wo Ihr Konto gerade offen ist.',
    logOutOthers: 'Überall sonst abmelden',
    mails: 'Ihre E-Mails',
    language: 'Sprache',
    languageDefault: 'Standard (Englisch)',
    save: 'Speichern',
    history: 'Verlauf',
    historyLead: 'Was mit Ihrem Konto geschehen ist, das Neueste zuerst.',
    more: 'Mehr anzeigen',
    data: 'Ihre Daten',
    exportText: 'Alles, was wir über Sie gespeichert haben, in einer JSON-Datei.',
    exportButton: 'Meine Daten herunterladen',
    deleteTitle: 'Konto löschen',
    deleteText:
      'Das Konto und seine Geräte werden sofort gelöscht. Nur mit „Das war ich nicht“ in einer früheren E-Mail von uns lässt es sich wiederherstellen, solange deren Link gültig ist.',
    typeEmail: 'Geben Sie zur Sicherheit Ihre E-Mail-Adresse ein',
    deleteButton: 'Mein Konto löschen',
  },

  error: {
    notFoundTitle: 'Hier ist nichts',
    notFoundLead: 'Vielleicht ist die Adresse vertippt, oder die Seite gibt es nicht mehr.',
    home: 'Zur Startseite',
    waitTitle: 'Einen Moment, bitte',
    waitLead: wait =>
      `Aus Ihrem Netz kamen zu viele Anfragen. Warten Sie ${wait} und laden Sie die Seite dann neu.`,
    failedTitle: 'Das hat nicht geklappt',
    failedLead: 'Hier ist etwas schiefgegangen. Laden Sie die Seite gleich noch einmal.',
  },
}
