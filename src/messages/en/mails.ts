import type { Mails } from '../mail-words.ts'

const securing =
  'This logs out every device, blocks the password until a new one is set, and mails you a link to set it.'

/** After a code beside a link. */
const eitherOne = (validFor: string) =>
  `One of the two is enough. The code works once, within ${validFor} of this mail.`

/** English. Short paragraphs with one idea each. Links and codes have a line of their own. */
export const mails: Mails = {
  greeting: 'Hello,',
  linkHint: 'If the button does not work, open this link:',
  unknownDevice: 'unknown',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Confirm your e-mail address for ${service}`,
    before: [`To finish your registration with ${service}, open this link and choose your password:`],
    button: 'Confirm my address',
    beforeCode: 'Did you register on a phone or another device? Then you can enter this code there instead:',
    afterCode: eitherOne(validFor),
    after: [`The link works once, within ${validFor} of this mail.`],
    reason: `This mail was sent to ${to} because somebody, probably you, registered this address with ${service}.`,
    notYou:
      'If it was not you, ignore this mail, set no password, and pass on neither the link nor the code, whoever asks. Unless the address is confirmed, no account is made.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `You already have an account with ${service}`,
    before: [
      `Somebody, perhaps you, tried to register ${to} with ${service}. There is an account for this address already, and nothing about it was changed.`,
      'You can log in with your password. If you have forgotten it, ask for a new one here:',
    ],
    button: 'I forgot my password',
    after: [],
    reason: `This mail was sent to ${to} because it is the address of an account with ${service}.`,
    notYou:
      'If it was not you, there is nothing to do. Whoever it was has not been told that there is an account.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Reset your password for ${service}`,
    before: [`To choose a new password for your account with ${service}, open this link:`],
    button: 'Choose a new password',
    beforeCode:
      'Did you ask for the reset on a phone or another device? Then you can enter this code there instead:',
    afterCode: eitherOne(validFor),
    after: [
      `The link works once, within ${validFor} of this mail. Setting a new password logs you out everywhere.`,
    ],
    reason: `This mail was sent to ${to} because somebody, probably you, asked to reset the password of this account.`,
    notYou:
      'If it was not you, ignore this mail. Your password stays as it is. Never pass on the link or the code, whoever asks: either is enough to take over your account.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Your code to change the password for ${service}`,
    before: [
      `Somebody who is logged in to your account with ${service} and knows its password asked to change the password. To go on, enter this code where the change was asked for:`,
    ],
    after: [
      `The code works once, within ${validFor} of this mail. Never pass it on, whoever asks.`,
      'Changing the password logs you out everywhere.',
    ],
    reason: `This mail was sent to ${to} because somebody, probably you, asked to change the password of this account.`,
    notYou:
      'If it was not you, somebody else knows your password: reset it at once. That logs out every device and makes this code useless.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Your password for ${service} was changed`,
    before: [
      `The password of your account with ${service} was changed on ${at}, and every device was logged out.`,
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [
      securing,
      'Secure your mailbox first: whoever changed the password may be able to read your mail.',
    ],
    reason: `This mail was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else can use your account until you act.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Confirm your new e-mail address for ${service}`,
    before: [
      `Somebody, probably you, asked to make ${to} the address of an account with ${service}. To confirm this, open this link and enter the password of the account:`,
    ],
    button: 'Confirm my new address',
    beforeCode:
      'Is your account open on a phone or another device? Then you can enter this code there instead, where you asked for the change:',
    afterCode: eitherOne(validFor),
    after: [
      `The link works once, within ${validFor} of this mail. Until you confirm, the account keeps its present address.`,
    ],
    reason: `This mail was sent to ${to} because somebody wants to use this address for an account with ${service}.`,
    notYou:
      'If it was not you, ignore this mail, enter no password, and pass on neither the link nor the code, whoever asks. Unless it is confirmed, the address is not used.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `A new e-mail address was requested for ${service}`,
    before: [
      `On ${at}, somebody who is logged in to your account with ${service} and knows its password asked to change its address to ${newEmail}. Nothing has changed yet: the new address must be confirmed first.`,
      `If it was you, there is nothing to do here. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [`${securing} The new address can then no longer be confirmed.`],
    reason: `This mail was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else knows your password.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Your e-mail address for ${service} was changed`,
    before: [
      `The address of your account with ${service} was changed to ${newEmail} on ${at}. Log in with the new address from now on; mails about the account go there.`,
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [`${securing} It also makes ${to} the address of the account again.`],
    reason: `This mail was sent to ${to} because it was the address of this account until then.`,
    notYou: 'If it was not you, do not wait: somebody else has your account.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `New device logged in to ${service}`,
    before: [
      `On ${at}, somebody logged in to your account with ${service} from a device that was not seen there before.`,
      `Device: ${device}`,
      ...(ip === null ? [] : [`IP address: ${ip}`]),
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [securing],
    reason: `This mail was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else knows your password.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Your account with ${service} is secured`,
    before: [
      `Your account with ${service} was secured: every device was logged out, and the old password no longer works. To choose a new one, open this link:`,
    ],
    button: 'Choose a new password',
    after: [
      `The link works once, within ${validFor} of this mail. After that, ask for a password reset.`,
      'Choose a password that you use nowhere else, and never pass on the link.',
    ],
    reason: `This mail was sent to ${to} because somebody, probably you, answered a notice about this account with “This was not me”.`,
    notYou:
      'If it was not you, somebody else may be reading your mail: secure your mailbox, then choose a new password all the same.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Your account with ${service} was deleted`,
    before: [
      `Your account with ${service} and what belonged to it was deleted, as somebody asked who was logged in and knew the password.`,
      'You are welcome to register again with this address at any time. That makes a new, empty account.',
    ],
    after: [],
    reason: `This mail was sent to ${to} because it was the address of this account.`,
    notYou: `If it was not you, somebody else knew your password: change it wherever else you use it, and write to the operator of ${service}. “This was not me” in an earlier mail from us brings the account back while that link is good; without one, it cannot be brought back.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Your account with ${service} was deleted`,
    before: [
      `Your account with ${service} was deleted on ${at}, as somebody asked who was logged in and knew the password.`,
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [
      `This brings the account back, makes ${to} its address, blocks the password until a new one is set, and mails you a link to set it. The link works once, within ${validFor} of this mail. After that, the account cannot be brought back.`,
      'You are welcome to register again with this address at any time. That makes a new, empty account, and the old one can then not be brought back.',
    ],
    reason: `This mail was sent to ${to} because it is or was the address of this account.`,
    notYou:
      'If it was not you, do not wait: somebody else knew your password. Change it wherever else you use it.',
  }),
}
