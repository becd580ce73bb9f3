import type { Mails } from '../mail-words.ts'
import { browser } from './browser.ts'

const securing =
  'Tous les appareils seront déconnectés, le mot de passe sera bloqué jusqu’à ce que vous en définissiez un nouveau, et vous recevrez un lien pour le faire.'

/** Après un code à côté d’un lien. */
const eitherOne = 'Le lien ou le code suffit, inutile d’utiliser les deux. Ils expirent en même temps.'

/**
 * French, with « vous ». No-break spaces, written as escapes so that they can be seen, stand before colon,
 * semicolon, exclamation and question mark and inside quotation marks. The service's name follows no « de »,
 * which would have to be elided before a vowel.
 */
export const mails: Mails = {
  greeting: 'Bonjour,',
  linkHint: 'Si le bouton ne fonctionne pas, copiez ce lien dans votre navigateur\u00a0:',
  unknownDevice: 'inconnu',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Confirmez votre adresse e-mail pour ${service}`,
    before: [
      `Pour terminer votre inscription sur ${service}, ouvrez ce lien et choisissez votre mot de passe\u00a0:`,
    ],
    button: 'Confirmer mon adresse e-mail',
    beforeCode:
      'Vous êtes-vous inscrit sur un téléphone ou un autre appareil\u00a0? Saisissez-y plutôt ce code\u00a0:',
    afterCode: eitherOne,
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message.`,
    ],
    reason: `Ce message a été envoyé à ${to} parce que quelqu’un, probablement vous, a inscrit cette adresse sur ${service}.`,
    notYou:
      'Si ce n’était pas vous, ignorez ce message. Ne définissez aucun mot de passe et ne transmettez ni le lien ni le code, quelle que soit la personne qui les demande. Tant que l’adresse n’est pas confirmée, aucun compte n’est créé.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `Vous avez déjà un compte sur ${service}`,
    before: [
      `Quelqu’un, peut-être vous, a essayé d’inscrire ${to} sur ${service}. Il existe déjà un compte pour cette adresse, et rien n’y a été modifié.`,
      'Vous pouvez vous connecter avec votre mot de passe. Si vous l’avez oublié, choisissez-en un nouveau ici\u00a0:',
    ],
    button: 'Réinitialiser mon mot de passe',
    after: [],
    reason: `Ce message a été envoyé à ${to} parce que c’est l’adresse d’un compte sur ${service}.`,
    notYou:
      'Si ce n’était pas vous, vous n’avez rien à faire. L’auteur de cette demande n’a pas appris qu’un compte existe.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Réinitialisez votre mot de passe pour ${service}`,
    before: [`Pour choisir un nouveau mot de passe pour votre compte sur ${service}, ouvrez ce lien\u00a0:`],
    button: 'Choisir un nouveau mot de passe',
    beforeCode:
      'Avez-vous fait la demande sur un téléphone ou un autre appareil\u00a0? Saisissez-y plutôt ce code\u00a0:',
    afterCode: eitherOne,
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Dès que vous définissez un nouveau mot de passe, tous les appareils sont déconnectés.`,
    ],
    reason: `Ce message a été envoyé à ${to} parce que quelqu’un, probablement vous, a demandé à réinitialiser le mot de passe de ce compte.`,
    notYou:
      'Si ce n’était pas vous, ignorez ce message\u00a0: votre mot de passe reste inchangé. Ne transmettez jamais le lien ni le code, quelle que soit la personne qui les demande\u00a0: l’un ou l’autre suffit pour prendre le contrôle de votre compte.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Votre code pour changer le mot de passe sur ${service}`,
    before: [
      `Une personne connectée à votre compte sur ${service}, et qui en connaît le mot de passe, a demandé à le changer. Pour continuer, saisissez ce code là où vous avez demandé le changement\u00a0:`,
    ],
    after: [
      `Le code ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Ne le transmettez jamais, quelle que soit la personne qui le demande.`,
      'Dès que le mot de passe est changé, tous les appareils sont déconnectés.',
    ],
    reason: `Ce message a été envoyé à ${to} parce que quelqu’un, probablement vous, a demandé à changer le mot de passe de ce compte.`,
    notYou:
      'Si ce n’était pas vous, quelqu’un d’autre connaît votre mot de passe\u00a0: réinitialisez-le immédiatement. Tous les appareils seront alors déconnectés et ce code deviendra inutile.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Votre mot de passe pour ${service} a été changé`,
    before: [
      `Le mot de passe de votre compte sur ${service} a été changé le ${at}, et tous les appareils ont été déconnectés.`,
      `Si c’était vous, vous n’avez rien à faire. Sinon, sécurisez d’abord votre messagerie, car la personne qui a changé le mot de passe lit peut-être vos e-mails. Ouvrez ensuite ce lien et saisissez-y l’adresse ${to}\u00a0:`,
    ],
    button: 'Ce n’était pas moi',
    after: [securing],
    reason: `Ce message a été envoyé à ${to} parce que c’est l’adresse de ce compte.`,
    notYou:
      'Si ce n’était pas vous, n’attendez pas\u00a0: tant que vous n’agissez pas, quelqu’un d’autre peut utiliser votre compte.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Confirmez votre nouvelle adresse e-mail pour ${service}`,
    before: [
      `Quelqu’un, probablement vous, a demandé que ${to} devienne l’adresse e-mail d’un compte sur ${service}. Pour le confirmer, ouvrez ce lien et saisissez le mot de passe de ce compte\u00a0:`,
    ],
    button: 'Confirmer ma nouvelle adresse',
    beforeCode:
      'Votre compte est-il ouvert sur un téléphone ou un autre appareil\u00a0? Saisissez-y plutôt ce code, là où vous avez demandé le changement\u00a0:',
    afterCode: eitherOne,
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Jusqu’à la confirmation, le compte garde son adresse actuelle.`,
    ],
    reason: `Ce message a été envoyé à ${to} parce que quelqu’un souhaite utiliser cette adresse pour un compte sur ${service}.`,
    notYou:
      'Si ce n’était pas vous, ignorez ce message. Ne saisissez aucun mot de passe et ne transmettez ni le lien ni le code, quelle que soit la personne qui les demande. Sans confirmation, l’adresse n’est pas utilisée.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `Changement d’adresse e-mail demandé pour ${service}`,
    before: [
      `Le ${at}, une personne connectée à votre compte sur ${service}, et qui en connaît le mot de passe, a demandé que l’adresse e-mail du compte devienne ${newEmail}. Rien n’est encore changé\u00a0: la nouvelle adresse doit d’abord être confirmée.`,
      `Si c’était vous, vous n’avez rien à faire ici. Sinon, ouvrez ce lien et saisissez-y l’adresse ${to}\u00a0:`,
    ],
    button: 'Ce n’était pas moi',
    after: [`${securing} La nouvelle adresse ne pourra alors plus être confirmée.`],
    reason: `Ce message a été envoyé à ${to} parce que c’est l’adresse de ce compte.`,
    notYou: 'Si ce n’était pas vous, n’attendez pas\u00a0: quelqu’un d’autre connaît votre mot de passe.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Votre adresse e-mail pour ${service} a été changée`,
    before: [
      `L’adresse e-mail de votre compte sur ${service} a été remplacée par ${newEmail} le ${at}. Connectez-vous désormais avec la nouvelle adresse\u00a0; c’est là que sont envoyés les messages concernant le compte.`,
      `Si c’était vous, vous n’avez rien à faire. Sinon, ouvrez ce lien et saisissez-y l’adresse ${to}\u00a0:`,
    ],
    button: 'Ce n’était pas moi',
    after: [`${securing} Le compte reprendra aussi l’adresse ${to}.`],
    reason: `Ce message a été envoyé à ${to} parce que c’était jusque-là l’adresse de ce compte.`,
    notYou: 'Si ce n’était pas vous, n’attendez pas\u00a0: quelqu’un d’autre a pris votre compte.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `Connexion à ${service} depuis un nouvel appareil`,
    before: [
      `Le ${at}, quelqu’un s’est connecté à votre compte sur ${service} depuis un appareil que nous ne connaissions pas.`,
      `Appareil\u00a0: ${browser.device(device)}`,
      ...(ip === null ? [] : [`Adresse IP\u00a0: ${ip}`]),
      `Si c’était vous, vous n’avez rien à faire. Sinon, ouvrez ce lien et saisissez-y l’adresse ${to}\u00a0:`,
    ],
    button: 'Ce n’était pas moi',
    after: [securing],
    reason: `Ce message a été envoyé à ${to} parce que c’est l’adresse de ce compte.`,
    notYou: 'Si ce n’était pas vous, n’attendez pas\u00a0: quelqu’un d’autre connaît votre mot de passe.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Votre compte sur ${service} est sécurisé`,
    before: [
      `Votre compte sur ${service} est sécurisé\u00a0: tous les appareils sont déconnectés, et l’ancien mot de passe ne fonctionne plus. Pour en choisir un nouveau, ouvrez ce lien\u00a0:`,
    ],
    button: 'Choisir un nouveau mot de passe',
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Passé ce délai, demandez une réinitialisation du mot de passe.`,
      'Choisissez un mot de passe que vous n’utilisez nulle part ailleurs et ne transmettez jamais le lien.',
    ],
    reason: `Ce message a été envoyé à ${to} parce que quelqu’un, probablement vous, a répondu «\u00a0Ce n’était pas moi\u00a0» à une alerte concernant ce compte.`,
    notYou:
      'Si ce n’était pas vous, quelqu’un d’autre lit peut-être vos e-mails\u00a0: sécurisez votre messagerie, puis choisissez tout de même un nouveau mot de passe.',
  }),

  invitation: ({ service, to, validFor }) => ({
    subject: `Invitation à ${service}`,
    before: [
      `Un compte sur ${service} vous attend. Pour choisir votre mot de passe et vous connecter, ouvrez ce lien\u00a0:`,
    ],
    button: 'Accepter l’invitation',
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message.`,
    ],
    reason: `Ce message a été envoyé à ${to} parce qu’une personne qui gère ${service} a invité cette adresse.`,
    notYou:
      'Si vous n’attendez pas d’invitation, ignorez ce message. Ne transmettez jamais le lien, quelle que soit la personne qui le demande.',
  }),

  reset_required: ({ service, to, validFor }) => ({
    subject: `Choisissez un nouveau mot de passe pour ${service}`,
    before: [
      `Les responsables de ${service} vous demandent de choisir un nouveau mot de passe. L’ancien n’est plus valable et tous les appareils ont été déconnectés. Pour en choisir un nouveau, ouvrez ce lien\u00a0:`,
    ],
    button: 'Choisir un nouveau mot de passe',
    after: [
      `Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Passé ce délai, demandez une réinitialisation du mot de passe.`,
    ],
    reason: `Ce message a été envoyé à ${to} parce que cette adresse est celle d’un compte sur ${service}.`,
    notYou:
      'Choisissez un mot de passe que vous n’utilisez nulle part ailleurs et ne transmettez jamais le lien, quelle que soit la personne qui le demande.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Votre compte sur ${service} a été supprimé`,
    before: [
      `Votre compte sur ${service} et ce qui en faisait partie ont été supprimés, à la demande d’une personne connectée qui en connaissait le mot de passe.`,
      'Vous pouvez vous inscrire de nouveau avec cette adresse quand vous le souhaitez. Ce sera alors un nouveau compte, vide.',
    ],
    after: [],
    reason: `Ce message a été envoyé à ${to} parce que c’était l’adresse de ce compte.`,
    notYou: `Si ce n’était pas vous, quelqu’un d’autre connaissait votre mot de passe\u00a0: changez-le partout où vous l’utilisez encore et écrivez à l’équipe qui exploite ${service}. Le lien «\u00a0Ce n’était pas moi\u00a0» d’un message précédent rétablit le compte tant qu’il est valable\u00a0; sans lui, le compte ne peut pas être rétabli.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Votre compte sur ${service} a été supprimé`,
    before: [
      `Votre compte sur ${service} a été supprimé le ${at}, à la demande d’une personne connectée qui en connaissait le mot de passe.`,
      `Si c’était vous, vous n’avez rien à faire. Sinon, ouvrez ce lien et saisissez-y l’adresse ${to}\u00a0:`,
    ],
    button: 'Ce n’était pas moi',
    after: [
      `Le compte sera rétabli, ${to} en sera l’adresse, le mot de passe sera bloqué jusqu’à ce que vous en définissiez un nouveau, et vous recevrez un lien pour le faire. Le lien ne fonctionne qu’une seule fois, dans un délai de ${validFor} à compter de l’envoi de ce message. Ensuite, le compte ne pourra plus être rétabli.`,
      'Vous pouvez vous inscrire de nouveau avec cette adresse quand vous le souhaitez. Ce sera un nouveau compte, vide, et l’ancien ne pourra alors plus être rétabli.',
    ],
    reason: `Ce message a été envoyé à ${to} parce que c’est ou c’était l’adresse de ce compte.`,
    notYou:
      'Si ce n’était pas vous, n’attendez pas\u00a0: quelqu’un d’autre connaissait votre mot de passe. Changez-le partout où vous l’utilisez encore.',
  }),
}
