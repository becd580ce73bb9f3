/**
 * What the pages say as they are served. English is the model: the other languages have its type. Words
 * for later, in the browser, are in browser.ts.
 */
export const pages = {
  skip: 'Skip to the content',
  navigation: 'Account',
  needsScript: 'This page needs JavaScript, and your browser runs none here.',
  noScriptHelp: 'Allow JavaScript for this site and load the page again.',
  notWhole: 'This page has not arrived whole. If this stays here, load the page again.',
  email: 'E-mail address',
  password: 'Password',
  newPassword: 'New password',
  repeatPassword: 'The same password once more',
  currentPassword: 'Current password',
  showPassword: 'Show',
  passwordHint: (minimum: number) =>
    `At least ${minimum} characters. A few random words make a good password.`,
  logIn: 'Log in',
  logOut: 'Log out',
  register: 'Register',
  account: 'My account',
  forgot: 'Forgot your password?',
  cancel: 'Cancel',

  home: {
    title: (service: string) => `Your account with ${service}`,
    lead: 'Register, log in, look after your account, and find your way back in when the password is gone.',
    registerText: 'New here? All you need is an e-mail address.',
    logInText: 'You have an account and know the password.',
    forgotTitle: 'Forgot your password',
    forgotText: 'We send you a link, and a code for other devices.',
    accountText: 'Devices, password, address, history and your data.',
  },

  registration: {
    title: 'Register',
    lead: 'Enter your e-mail address. We send you a link to confirm it and to choose your password.',
    submit: 'Register',
    haveAccount: 'You have an account already?',
    sentTitle: 'Look at your mail',
    sentLead: 'If this address can be registered, a mail is on its way to:',
    again: 'Send it again',
    another: 'Use another address',
    doneTitle: 'Your account is ready',
    doneLead: 'You can log in with your password now.',
  },

  login: {
    title: 'Log in',
    noAccount: 'No account yet?',
    offer: 'You registered and never confirmed your address? We can send you the mail again.',
    unconfirmedTitle: 'Confirm your address first',
    unconfirmedLead: 'Your registration waits for you to open the link in our mail. We can send it again.',
    resend: 'Send the mail again',
  },

  confirmation: {
    title: 'Confirm your address',
    lead: 'Choose your password. Then your address is confirmed, and you are logged in.',
    forAddress: 'Your account is for this address:',
    submit: 'Confirm and log in',
    caution:
      'This is not your address, or you did not register? Then close this page. Unless you set a password, no account is made.',
    doneTitle: 'Your address is confirmed',
    doneLead:
      'Your password is set, but you are not logged in: your browser keeps no cookies or no data for this site. Allow both, then log in.',
    staleTitle: 'This link does not work any more',
    staleLead: 'If you have confirmed your address already, just log in. Otherwise ask for a new link.',
    missingTitle: 'Confirm your address',
    missingLead:
      'Did you open the link in our mail? Then it has not arrived whole. Enter your address: we send you a new link, and a code that you can type in here.',
    resend: 'Send me a new link',
    resentTitle: 'Look at your mail',
    resentLead: 'If this address waits to be confirmed, a mail is on its way to:',
    resentNext:
      'Open the link in it and choose your password. Or, if you read your mail on another device, enter the code from it here:',
    otherwise: 'Not registered yet?',
  },

  forgotten: {
    title: 'Forgot your password?',
    lead: 'Enter the address of your account. We send you a link to choose a new password.',
    submit: 'Send me the link',
    remembered: 'You remember it after all?',
    sentTitle: 'Look at your mail',
    sentLead: 'If there is an account for this address, a mail is on its way to:',
    sentNext:
      'Open the link in it. Or, if you read your mail on another device, enter the code from it here:',
    code: 'Code from the mail',
    codeHint: 'Eight digits. Only the newest mail has the right ones.',
    submitCode: 'Set the new password',
    missing: 'No mail? It can take a minute. Look in the spam folder too.',
    again: 'Start over',
  },

  reset: {
    title: 'Choose a new password',
    checking: 'One moment, we are checking your link.',
    afterwards: 'When you set it, every device is logged out, and you log in with the new password.',
    submit: 'Set the new password',
    retry: 'Try again',
    staleTitle: 'This link does not work any more',
    staleLead: 'A new one is one click away.',
    missingTitle: 'Choose a new password',
    missingLead:
      'Did you open the link in our mail? Then it has not arrived whole. Enter the address of your account: we send you a new link, and a code that you can type in here.',
  },

  emailChange: {
    title: 'Confirm your new address',
    lead: 'Enter the password of your account, and this address becomes its address.',
    submit: 'Confirm the new address',
    caution: 'You did not ask for this? Then close this page, and nothing changes.',
    staleTitle: 'This link does not work any more',
    staleLead: 'You can ask for a new one in your account.',
    missingLead:
      'Did you open the link in our mail? Then it has not arrived whole. In your account, where you asked for the change, you can enter the code from the mail or ask for a new mail.',
    takenTitle: 'This address has an account already',
    takenLead: 'Somebody has registered it in the meantime. Your account keeps the address it has.',
    doneTitle: 'Your address is changed',
    doneLead: 'From now on you log in with the new address, and mails go there.',
  },

  secure: {
    title: 'This was not you?',
    lead: 'Then lock whoever it was out of your account. To go on, type the address that the notice was sent to.',
    whatHappens: 'What happens when you press the button:',
    effects: [
      'Every device is logged out at once.',
      'The password works no more, whoever set it.',
      'A changed address is taken back.',
      'You get a mail with a link to choose a new password.',
    ],
    submit: 'Secure my account',
    doneTitle: 'Your account is secured',
    doneLead: 'Every device is logged out, and the old password is blocked. A mail is on its way to:',
    doneNext: 'Open the link in it to choose a new password. Choose one that you use nowhere else.',
    staleTitle: 'This link does nothing here',
    staleLead: 'Or the address is not the one that the notice was sent to.',
    tryAgain: 'Type the address again',
    resetInstead: 'Choose a new password',
    missingTitle: 'This was not you?',
    missingLead:
      'Did you open the link in our notice? Then it has not arrived whole: copy all of it from the mail into the address bar. If that does not help, choose a new password: that logs every device out too.',
  },

  me: {
    title: 'My account',
    loading: 'One moment, we are fetching your account.',
    failedTitle: 'Your account cannot be shown just now',
    retry: 'Try again',
    you: 'You',
    address: 'Address',
    confirmed: 'Confirmed',
    since: 'Account since',
    passwordSince: 'Password set',
    security: 'Getting in',
    changePassword: 'Change the password',
    passwordStep1: 'First enter the current password. Then we mail you a code.',
    sendCode: 'Send me a code',
    passwordStep2: 'We have mailed you a code of six digits. It goes with your new password.',
    code: 'Code from the mail',
    codeHint: 'Six digits.',
    setPassword: 'Change the password',
    setPasswordNote: 'Every device is logged out then, this one too.',
    changeEmail: 'Change the address',
    newEmail: 'New e-mail address',
    emailNote: 'We mail a link and a code to the new address. Nothing changes until you use one of them.',
    emailStep2:
      'If the new address is free, a mail is on its way to it. Open the link in it, or enter the code from it here:',
    sendLink: 'Send the mail',
    devices: 'Devices',
    devicesLead: 'Where your account is open just now.',
    logOutOthers: 'Log out everywhere else',
    mails: 'Your mails',
    language: 'Language',
    languageDefault: 'Default (English)',
    save: 'Save',
    history: 'History',
    historyLead: 'What happened to your account, the newest first.',
    more: 'Show more',
    data: 'Your data',
    exportText: 'Everything that we hold about you, in one JSON file.',
    exportButton: 'Download my data',
    deleteTitle: 'Delete the account',
    deleteText:
      'The account and its devices are deleted at once. Only “This was not me” in an earlier mail from us can bring it back, while that link is good.',
    typeEmail: 'To be sure, type your e-mail address',
    deleteButton: 'Delete my account',
  },

  error: {
    notFoundTitle: 'There is nothing here',
    notFoundLead: 'The address may be mistyped, or the page is gone.',
    home: 'To the start page',
    waitTitle: 'One moment, please',
    waitLead: (wait: string) =>
      `There were too many requests from your network. Wait for ${wait}, then load the page again.`,
    failedTitle: 'That did not work',
    failedLead: 'Something went wrong here. Load the page again in a moment.',
  },
}

/** What the pages of every language say. */
export type PageWords = typeof pages
