import type { Mails } from '../mail-words.ts'

const securing =
  'This logs out every device, blocks the password until you set a new one, and sends you a link to set it.'

/** After a code beside a link. */
const eitherOne = 'You need only the link or the code, not both. They expire together.'

/** English. Short paragraphs with one idea each. Links and codes have a line of their own. */
export const mails: Mails = {
  greeting: 'Hello,',
  linkHint: 'If the button does not work, copy this link into your browser:',
  unknownDevice: 'unknown',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Confirm your email address for ${service}`,
    before: [`To finish registering with ${service}, open this link and choose your password:`],
    button: 'Confirm my email address',
    beforeCode: 'Did you register on a phone or another device? Enter this code there instead:',
    afterCode: eitherOne,
    after: [`The link works once, within ${validFor} of this email.`],
    reason: `This email was sent to ${to} because somebody, probably you, registered this address with ${service}.`,
    notYou:
      'If it was not you, ignore this email. Set no password, and never pass on the link or the code, whoever asks. Unless the address is confirmed, no account is created.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `You already have an account with ${service}`,
    before: [
      `Somebody, perhaps you, tried to register ${to} with ${service}. This address already has an account, and nothing about it has changed.`,
      'You can log in with your password. If you have forgotten it, choose a new one here:',
    ],
    button: 'Reset my password',
    after: [],
    reason: `This email was sent to ${to} because it is the address of an account with ${service}.`,
    notYou:
      'If it was not you, there is nothing to do. Whoever it was did not learn that this address has an account.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Reset your password for ${service}`,
    before: [`To choose a new password for your account with ${service}, open this link:`],
    button: 'Choose a new password',
    beforeCode: 'Did you ask for it on a phone or another device? Enter this code there instead:',
    afterCode: eitherOne,
    after: [
      `The link works once, within ${validFor} of this email. Setting a new password logs out every device.`,
    ],
    reason: `This email was sent to ${to} because somebody, probably you, asked to reset the password of this account.`,
    notYou:
      'If it was not you, ignore this email: your password stays as it is. Never pass on the link or the code, whoever asks. Either one is enough to take over your account.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Your code to change the password for ${service}`,
    before: [
      `Somebody who is logged in to your account with ${service} and knows the password asked to change it. To go on, enter this code where you asked for the change:`,
    ],
    after: [
      `The code works once, within ${validFor} of this email. Never pass it on, whoever asks.`,
      'Changing the password logs out every device.',
    ],
    reason: `This email was sent to ${to} because somebody, probably you, asked to change the password of this account.`,
    notYou:
      'If it was not you, somebody else knows your password: reset it at once. That logs out every device and makes this code useless.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Your password for ${service} was changed`,
    before: [
      `The password of your account with ${service} was changed on ${at}, and every device was logged out.`,
      `If it was you, there is nothing to do. If it was not, secure your mailbox first, because whoever changed the password may be able to read your email. Then open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [securing],
    reason: `This email was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else can use your account until you act.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Confirm your new email address for ${service}`,
    before: [
      `Somebody, probably you, asked to make ${to} the email address of an account with ${service}. To confirm it, open this link and enter the password of that account:`,
    ],
    button: 'Confirm my new address',
    beforeCode:
      'Is your account open on a phone or another device? Enter this code there instead, where you asked for the change:',
    afterCode: eitherOne,
    after: [
      `The link works once, within ${validFor} of this email. Until you confirm, the account keeps its current address.`,
    ],
    reason: `This email was sent to ${to} because somebody wants to use this address for an account with ${service}.`,
    notYou:
      'If it was not you, ignore this email. Enter no password, and never pass on the link or the code, whoever asks. Unless it is confirmed, the address is not used.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `A new email address was requested for ${service}`,
    before: [
      `On ${at}, somebody who is logged in to your account with ${service} and knows the password asked to change its email address to ${newEmail}. Nothing has changed yet: the new address must be confirmed first.`,
      `If it was you, there is nothing to do here. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [`${securing} The new address can then no longer be confirmed.`],
    reason: `This email was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else knows your password.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Your email address for ${service} was changed`,
    before: [
      `The email address of your account with ${service} was changed to ${newEmail} on ${at}. From now on, log in with the new address; emails about the account go there.`,
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [`${securing} It also makes ${to} the address of the account again.`],
    reason: `This email was sent to ${to} because it was the address of this account until then.`,
    notYou: 'If it was not you, do not wait: somebody else has your account.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `New device logged in to ${service}`,
    before: [
      `On ${at}, somebody logged in to your account with ${service} from a device that we had not seen before.`,
      `Device: ${device}`,
      ...(ip === null ? [] : [`IP address: ${ip}`]),
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [securing],
    reason: `This email was sent to ${to} because it is the address of this account.`,
    notYou: 'If it was not you, do not wait: somebody else knows your password.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Your account with ${service} is secured`,
    before: [
      `Your account with ${service} is secured: every device is logged out, and the old password no longer works. To choose a new one, open this link:`,
    ],
    button: 'Choose a new password',
    after: [
      `The link works once, within ${validFor} of this email. After that, ask for a password reset.`,
      'Choose a password that you use nowhere else, and never pass on the link.',
    ],
    reason: `This email was sent to ${to} because somebody, probably you, chose “This was not me” in a notice about this account.`,
    notYou:
      'If it was not you, somebody else may be reading your email: secure your mailbox, then choose a new password all the same.',
  }),

  invitation: ({ service, to, validFor }) => ({
    subject: `You are invited to ${service}`,
    before: [
      `An account with ${service} is ready for you. To choose your password and log in, open this link:`,
    ],
    button: 'Accept the invitation',
    after: [`The link works once, within ${validFor} of this email.`],
    reason: `This email was sent to ${to} because an operator of ${service} invited this address.`,
    notYou: 'If you expect no invitation, ignore this email. Never pass on the link, whoever asks.',
  }),

  reset_required: ({ service, to, validFor }) => ({
    subject: `Choose a new password for ${service}`,
    before: [
      `The operator of ${service} asks you to choose a new password. The old one no longer works, and every device was logged out. To choose a new one, open this link:`,
    ],
    button: 'Choose a new password',
    after: [`The link works once, within ${validFor} of this email. After that, ask for a password reset.`],
    reason: `This email was sent to ${to} because this is the address of an account with ${service}.`,
    notYou: 'Choose a password that you use nowhere else, and never pass on the link, whoever asks.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Your account with ${service} was deleted`,
    before: [
      `Your account with ${service} and everything in it were deleted. Somebody who was logged in and knew the password asked for this.`,
      'You are welcome to register again with this address at any time. That creates a new, empty account.',
    ],
    after: [],
    reason: `This email was sent to ${to} because it was the address of this account.`,
    notYou: `If it was not you, somebody else knew your password: change it wherever else you use it, and contact the operator of ${service}. “This was not me” in an earlier email from us brings the account back while that link is valid; without one, it cannot be brought back.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Your account with ${service} was deleted`,
    before: [
      `Your account with ${service} was deleted on ${at}. Somebody who was logged in and knew the password asked for this.`,
      `If it was you, there is nothing to do. If it was not, open this link and enter the address ${to} there:`,
    ],
    button: 'This was not me',
    after: [
      `This brings the account back, makes ${to} its address, blocks the password until you set a new one, and sends you a link to set it. The link works once, within ${validFor} of this email. After that, the account cannot be brought back.`,
      'You are welcome to register again with this address at any time. That creates a new, empty account, and the old one can then not be brought back.',
    ],
    reason: `This email was sent to ${to} because it is or was the address of this account.`,
    notYou:
      'If it was not you, do not wait: somebody else knew your password. Change it wherever else you use it.',
  }),
}
