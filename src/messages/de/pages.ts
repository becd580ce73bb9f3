import type { PageWords } from '../en/pages.ts'

/** German, formal. The hyphen of “E-Mail” is one that breaks no line, written as an escape so that it can be seen. */
export const pages: PageWords = {
  skip: 'Zum Inhalt',
  navigation: 'Konto',
  language: 'Sprache',
  needsScript: 'Diese Seite braucht JavaScript, und Ihr Browser führt es hier nicht aus.',
  noScriptHelp: 'Erlauben Sie JavaScript für diese Website und laden Sie die Seite neu.',
  notWhole:
    'Diese Seite wurde nicht vollständig geladen. Wenn dieser Hinweis stehen bleibt, laden Sie die Seite neu.',
  email: 'E\u2011Mail-Adresse',
  password: 'Passwort',
  newPassword: 'Neues Passwort',
  repeatPassword: 'Passwort wiederholen',
  currentPassword: 'Aktuelles Passwort',
  showPassword: 'Anzeigen',
  passwordHint: minimum =>
    `Mindestens ${minimum} Zeichen. Ein paar zufällige Wörter ergeben ein gutes Passwort.`,
  logIn: 'Anmelden',
  logOut: 'Abmelden',
  register: 'Registrieren',
  account: 'Mein Konto',
  forgot: 'Passwort vergessen?',
  cancel: 'Abbrechen',

  home: {
    title: service => `Ihr Konto bei ${service}`,
    lead: 'Registrieren Sie sich, melden Sie sich an, verwalten Sie Ihr Konto oder wählen Sie ein neues Passwort, wenn Sie Ihres vergessen haben.',
    registerText: 'Neu hier? Sie brauchen nur eine E\u2011Mail-Adresse.',
    logInText: 'Sie haben ein Konto und kennen Ihr Passwort.',
    forgotTitle: 'Passwort vergessen?',
    forgotText: 'Wir schicken Ihnen einen Link, mit dem Sie ein neues wählen.',
    accountText: 'Geräte, Passwort, E\u2011Mail-Adresse, Verlauf und Ihre Daten.',
  },

  registration: {
    title: 'Registrieren',
    lead: 'Geben Sie Ihre E\u2011Mail-Adresse ein. Wir schicken Ihnen einen Link, mit dem Sie die Adresse bestätigen und Ihr Passwort wählen.',
    submit: 'Registrieren',
    haveAccount: 'Sie haben schon ein Konto?',
    sentTitle: 'Schauen Sie in Ihr Postfach',
    sentLead: 'Wenn sich diese Adresse registrieren lässt, haben wir gerade eine E\u2011Mail geschickt an:',
    again: 'Noch einmal senden',
    another: 'Andere Adresse verwenden',
    doneTitle: 'Ihr Konto ist bereit',
    doneLead: 'Sie können sich jetzt mit Ihrem Passwort anmelden.',
  },

  login: {
    title: 'Anmelden',
    noAccount: 'Noch kein Konto?',
    offer:
      'Sie haben sich registriert, aber Ihre E\u2011Mail-Adresse noch nicht bestätigt? Wir können Ihnen die E\u2011Mail noch einmal senden.',
    unconfirmedTitle: 'Bestätigen Sie zuerst Ihre E\u2011Mail-Adresse',
    unconfirmedLead:
      'Um die Registrierung abzuschließen, öffnen Sie den Link in unserer E\u2011Mail. Wir können sie noch einmal senden, an:',
    resend: 'E\u2011Mail noch einmal senden',
  },

  confirmation: {
    title: 'E\u2011Mail-Adresse bestätigen',
    lead: 'Wählen Sie Ihr Passwort. Damit bestätigen Sie Ihre Adresse und sind gleich angemeldet.',
    forAddress: 'Ihr Konto gehört zu dieser Adresse:',
    submit: 'Bestätigen und anmelden',
    caution:
      'Das ist nicht Ihre Adresse, oder Sie haben sich nicht registriert? Schließen Sie diese Seite. Solange Sie kein Passwort festlegen, entsteht kein Konto.',
    doneTitle: 'Ihre E\u2011Mail-Adresse ist bestätigt',
    doneLead:
      'Ihr Passwort ist festgelegt, aber Sie sind nicht angemeldet, weil Ihr Browser Cookies oder Daten dieser Website blockiert. Erlauben Sie beides und melden Sie sich dann an.',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead:
      'Sie haben Ihre Adresse schon bestätigt? Dann melden Sie sich einfach an. Sonst fordern Sie einen neuen Link an.',
    missingTitle: 'E\u2011Mail-Adresse bestätigen',
    missingLead:
      'Wenn Sie den Link in unserer E\u2011Mail geöffnet haben, ist er nicht vollständig angekommen. Geben Sie Ihre E\u2011Mail-Adresse ein. Wir schicken Ihnen einen neuen Link und einen Code, den Sie hier eingeben können.',
    resend: 'Neuen Link senden',
    resentTitle: 'Schauen Sie in Ihr Postfach',
    resentLead: 'Wenn diese Adresse noch zu bestätigen ist, haben wir gerade eine E\u2011Mail geschickt an:',
    resentNext:
      'Öffnen Sie den Link in der E\u2011Mail und wählen Sie Ihr Passwort. Wenn Sie die E\u2011Mail auf einem anderen Gerät lesen, geben Sie stattdessen hier den Code daraus ein:',
    otherwise: 'Noch nicht registriert?',
  },

  /** In place of the same words of the confirmation. */
  invitation: {
    title: 'Sie sind eingeladen',
    lead: 'Wählen Sie Ihr Passwort. Damit ist Ihre Adresse bestätigt, und Sie sind angemeldet.',
    submit: 'Annehmen und anmelden',
    caution: 'Das ist nicht Ihre Adresse? Dann schließen Sie diese Seite.',
  },

  forgotten: {
    title: 'Passwort vergessen?',
    lead: 'Geben Sie die E\u2011Mail-Adresse Ihres Kontos ein. Wir schicken Ihnen einen Link, mit dem Sie ein neues Passwort wählen.',
    submit: 'Link senden',
    remembered: 'Ist es Ihnen wieder eingefallen?',
    sentTitle: 'Schauen Sie in Ihr Postfach',
    sentLead: 'Wenn es zu dieser Adresse ein Konto gibt, haben wir gerade eine E\u2011Mail geschickt an:',
    sentNext:
      'Öffnen Sie den Link in der E\u2011Mail. Wenn Sie die E\u2011Mail auf einem anderen Gerät lesen, geben Sie stattdessen hier den Code daraus ein:',
    code: 'Code aus der E\u2011Mail',
    codeHint: 'Acht Ziffern, aus der neuesten E\u2011Mail.',
    submitCode: 'Neues Passwort festlegen',
    missing: 'Nach einer Minute noch keine E\u2011Mail? Sehen Sie auch im Spam-Ordner nach.',
    again: 'Von vorn beginnen',
  },

  reset: {
    title: 'Neues Passwort wählen',
    checking: 'Ihr Link wird geprüft …',
    forAddress: 'Für Ihr Konto mit dieser Adresse:',
    afterwards: 'Danach sind alle Geräte abgemeldet, und Sie melden sich mit dem neuen Passwort an.',
    submit: 'Neues Passwort festlegen',
    retry: 'Noch einmal versuchen',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead: 'Geben Sie Ihre E\u2011Mail-Adresse ein, und wir schicken Ihnen einen neuen.',
    missingTitle: 'Neues Passwort wählen',
    missingLead:
      'Wenn Sie den Link in unserer E\u2011Mail geöffnet haben, ist er nicht vollständig angekommen. Geben Sie die E\u2011Mail-Adresse Ihres Kontos ein. Wir schicken Ihnen einen neuen Link und einen Code, den Sie hier eingeben können.',
  },

  emailChange: {
    title: 'Neue E\u2011Mail-Adresse bestätigen',
    lead: 'Geben Sie das Passwort Ihres Kontos ein. Danach melden Sie sich mit dieser Adresse an:',
    submit: 'Neue Adresse bestätigen',
    caution: 'Sie haben das nicht angefordert? Schließen Sie diese Seite, und nichts ändert sich.',
    staleTitle: 'Dieser Link funktioniert nicht mehr',
    staleLead: 'In Ihrem Konto können Sie einen neuen anfordern.',
    missingLead:
      'Wenn Sie den Link in unserer E\u2011Mail geöffnet haben, ist er nicht vollständig angekommen. In Ihrem Konto, wo Sie die Änderung angefordert haben, können Sie den Code aus der E\u2011Mail eingeben oder eine neue E\u2011Mail anfordern.',
    takenTitle: 'Zu dieser Adresse gibt es schon ein Konto',
    takenLead: 'Jemand hat sie inzwischen registriert. Ihr Konto behält seine bisherige Adresse.',
    doneTitle: 'Ihre E\u2011Mail-Adresse wurde geändert',
    doneLead: 'Melden Sie sich ab jetzt mit der neuen Adresse an. Auch unsere E\u2011Mails gehen dorthin.',
  },

  secure: {
    title: 'Konto sichern',
    lead: 'Sperren Sie die fremde Person aus. Geben Sie die E\u2011Mail-Adresse ein, an die unser Hinweis ging.',
    whatHappens: 'Das geschieht, wenn Sie auf die Schaltfläche drücken:',
    effects: [
      'Alle Geräte werden sofort abgemeldet.',
      'Das aktuelle Passwort gilt nicht mehr, wer auch immer es festgelegt hat.',
      'Wenn die E\u2011Mail-Adresse geändert wurde, gilt wieder die alte.',
      'Sie erhalten eine E\u2011Mail mit einem Link, mit dem Sie ein neues Passwort wählen.',
    ],
    submit: 'Mein Konto sichern',
    doneTitle: 'Ihr Konto ist gesichert',
    doneLead:
      'Alle Geräte sind abgemeldet, und das alte Passwort gilt nicht mehr. Wir haben gerade eine E\u2011Mail geschickt an:',
    doneNext:
      'Öffnen Sie den Link darin und wählen Sie ein neues Passwort, das Sie sonst nirgends verwenden.',
    staleTitle: 'Das hat nicht geklappt',
    staleLead: 'Oder Sie haben eine andere Adresse eingegeben als die, an die unser Hinweis ging.',
    tryAgain: 'Adresse noch einmal eingeben',
    resetInstead: 'Neues Passwort wählen',
    missingTitle: 'Konto sichern',
    missingLead:
      'Wenn Sie den Link in unserem Hinweis geöffnet haben, ist er nicht vollständig angekommen. Kopieren Sie ihn ganz aus der E\u2011Mail in die Adresszeile. Wenn das nicht hilft, wählen Sie ein neues Passwort: Auch damit werden alle Geräte abgemeldet.',
  },

  me: {
    title: 'Mein Konto',
    loading: 'Ihr Konto wird geladen …',
    failedTitle: 'Ihr Konto lässt sich gerade nicht anzeigen',
    retry: 'Noch einmal versuchen',
    you: 'Profil',
    address: 'E\u2011Mail',
    confirmed: 'Bestätigt',
    since: 'Konto seit',
    passwordSince: 'Passwort vom',
    security: 'Passwort und E\u2011Mail-Adresse',
    changePassword: 'Passwort ändern',
    passwordStep1:
      'Geben Sie Ihr aktuelles Passwort ein. Dann schicken wir Ihnen per E\u2011Mail einen Code.',
    sendCode: 'Code senden',
    passwordStep2:
      'Wir haben Ihnen per E\u2011Mail einen Code aus sechs Ziffern geschickt. Geben Sie ihn hier zusammen mit dem neuen Passwort ein.',
    code: 'Code aus der E\u2011Mail',
    codeHint: 'Sechs Ziffern.',
    setPassword: 'Passwort ändern',
    setPasswordNote: 'Danach sind alle Geräte abgemeldet, auch dieses.',
    changeEmail: 'E\u2011Mail-Adresse ändern',
    newEmail: 'Neue E\u2011Mail-Adresse',
    emailNote:
      'Wir schicken einen Link und einen Code an die neue Adresse. Bis Sie eines davon verwenden, ändert sich nichts.',
    emailStep2:
      'Wenn die neue Adresse frei ist, haben wir gerade eine E\u2011Mail dorthin geschickt. Öffnen Sie den Link darin oder geben Sie hier den Code daraus ein:',
    sendLink: 'E\u2011Mail senden',
    devices: 'Geräte',
    devicesLead: 'Wo Sie gerade angemeldet sind.',
    logOutOthers: 'Alle anderen Geräte abmelden',
    mails: 'Sprache unserer E\u2011Mails',
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
      'Ihr Konto wird sofort gelöscht, und alle Geräte werden abgemeldet. Nur mit „Das war ich nicht“ in einer früheren E\u2011Mail von uns lässt es sich wiederherstellen, solange deren Link gültig ist.',
    typeEmail: 'Geben Sie zur Sicherheit Ihre E\u2011Mail-Adresse ein',
    deleteButton: 'Mein Konto löschen',
  },

  error: {
    notFoundTitle: 'Diese Seite gibt es nicht',
    notFoundLead: 'Vielleicht enthält die Adresse einen Tippfehler, oder die Seite wurde entfernt.',
    home: 'Zur Startseite',
    waitTitle: 'Bitte warten Sie einen Moment',
    waitLead: wait =>
      `Aus Ihrem Netz kamen zu viele Anfragen. Warten Sie ${wait} und laden Sie die Seite dann neu.`,
    failedTitle: 'Das hat nicht geklappt',
    failedLead: 'Bei uns ist etwas schiefgegangen. Laden Sie die Seite gleich noch einmal.',
  },
}
