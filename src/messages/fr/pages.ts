import type { PageWords } from '../en/pages.ts'

/** French, with « vous ». No-break spaces are written as escapes so that they can be seen. */
export const pages: PageWords = {
  skip: 'Aller au contenu',
  navigation: 'Compte',
  needsScript: 'Cette page a besoin de JavaScript, et votre navigateur n’en exécute pas ici.',
  noScriptHelp: 'Autorisez JavaScript pour ce site, puis rechargez la page.',
  notWhole: 'Cette page n’est pas arrivée entière. Si ce message reste, rechargez la page.',
  email: 'Adresse e-mail',
  password: 'Mot de passe',
  newPassword: 'Nouveau mot de passe',
  repeatPassword: 'Le même mot de passe encore une fois',
  currentPassword: 'Mot de passe actuel',
  showPassword: 'Afficher',
  passwordHint: minimum =>
    `Au moins ${minimum} caractères. Quelques mots pris au hasard font un bon mot de passe.`,
  logIn: 'Se connecter',
  logOut: 'Se déconnecter',
  register: 'S’inscrire',
  account: 'Mon compte',
  forgot: 'Mot de passe oublié\u00a0?',
  cancel: 'Annuler',

  home: {
    title: service => `Votre compte sur ${service}`,
    lead: 'Inscrivez-vous, connectez-vous, gérez votre compte et retrouvez-en l’accès quand le mot de passe est perdu.',
    registerText: 'Nouveau ici\u00a0? Il suffit d’une adresse e-mail.',
    logInText: 'Vous avez un compte et connaissez le mot de passe.',
    forgotTitle: 'Mot de passe oublié',
    forgotText: 'Nous vous envoyons un lien, et un code pour les autres appareils.',
    accountText: 'Appareils, mot de passe, adresse, historique et vos données.',
  },

  registration: {
    title: 'S’inscrire',
    lead: 'Saisissez votre adresse e-mail. Nous vous envoyons un lien pour la confirmer et choisir votre mot de passe.',
    submit: 'S’inscrire',
    haveAccount: 'Vous avez déjà un compte\u00a0?',
    sentTitle: 'Consultez votre messagerie',
    sentLead: 'Si cette adresse peut être inscrite, un message est en route vers\u00a0:',
    again: 'Renvoyer le message',
    another: 'Utiliser une autre adresse',
    doneTitle: 'Votre compte est prêt',
    doneLead: 'Vous pouvez maintenant vous connecter avec votre mot de passe.',
  },

  login: {
    title: 'Se connecter',
    noAccount: 'Pas encore de compte\u00a0?',
    offer:
      'Vous vous êtes inscrit sans jamais confirmer votre adresse\u00a0? Nous pouvons vous renvoyer le message.',
    unconfirmedTitle: 'Confirmez d’abord votre adresse',
    unconfirmedLead:
      'Pour terminer votre inscription, ouvrez le lien de notre message. Nous pouvons vous le renvoyer.',
    resend: 'Renvoyer le message',
  },

  confirmation: {
    title: 'Confirmer votre adresse',
    lead: 'Choisissez votre mot de passe. Votre adresse est alors confirmée et vous êtes connecté.',
    forAddress: 'Votre compte est lié à cette adresse\u00a0:',
    submit: 'Confirmer et se connecter',
    caution:
      'Ce n’est pas votre adresse, ou vous ne vous êtes pas inscrit\u00a0? Alors fermez cette page. Tant que vous ne définissez pas de mot de passe, aucun compte n’est créé.',
    doneTitle: 'Votre adresse est confirmée',
    doneLead:
      'Votre mot de passe est défini, mais vous n’êtes pas connecté\u00a0: votre navigateur ne conserve pas les cookies ou les données de ce site. Autorisez les deux, puis connectez-vous.',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead:
      'Si vous avez déjà confirmé votre adresse, connectez-vous simplement. Sinon, demandez un nouveau lien.',
    missingTitle: 'Confirmer votre adresse',
    missingLead:
      'Avez-vous ouvert le lien de notre message\u00a0? Alors il n’est pas arrivé entier. Saisissez votre adresse\u00a0: nous vous envoyons un nouveau lien, et un code que vous pouvez saisir ici.',
    resend: 'M’envoyer un nouveau lien',
    resentTitle: 'Consultez votre messagerie',
    resentLead: 'Si cette adresse attend d’être confirmée, un message est en route vers\u00a0:',
    resentNext:
      'Ouvrez le lien qu’il contient et choisissez votre mot de passe. Ou, si vous lisez vos messages sur un autre appareil, saisissez ici le code qui s’y trouve\u00a0:',
    otherwise: 'Pas encore inscrit\u00a0?',
  },

  forgotten: {
    title: 'Mot de passe oublié\u00a0?',
    lead: 'Saisissez l’adresse de votre compte. Nous vous envoyons un lien pour choisir un nouveau mot de passe.',
    submit: 'M’envoyer le lien',
    remembered: 'Il vous est revenu\u00a0?',
    sentTitle: 'Consultez votre messagerie',
    sentLead: 'S’il existe un compte pour cette adresse, un message est en route vers\u00a0:',
    sentNext:
      'Ouvrez le lien qu’il contient. Ou, si vous lisez vos messages sur un autre appareil, saisissez ici le code qui s’y trouve\u00a0:',
    code: 'Code reçu par e-mail',
    codeHint: 'Huit chiffres. Seul le message le plus récent contient les bons.',
    submitCode: 'Définir le nouveau mot de passe',
    missing: 'Pas de message\u00a0? Cela peut prendre une minute. Regardez aussi dans les indésirables.',
    again: 'Recommencer',
  },

  reset: {
    title: 'Choisir un nouveau mot de passe',
    checking: 'Un instant, nous vérifions votre lien.',
    afterwards:
      'Tous les appareils seront alors déconnectés, et vous vous connecterez avec le nouveau mot de passe.',
    submit: 'Définir le nouveau mot de passe',
    retry: 'Réessayer',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead: 'Un clic suffit pour en recevoir un nouveau.',
    missingTitle: 'Choisir un nouveau mot de passe',
    missingLead:
      'Avez-vous ouvert le lien de notre message\u00a0? Alors il n’est pas arrivé entier. Saisissez l’adresse de votre compte\u00a0: nous vous envoyons un nouveau lien, et un code que vous pouvez saisir ici.',
  },

  emailChange: {
    title: 'Confirmer votre nouvelle adresse',
    lead: 'Saisissez le mot de passe de votre compte, et cette adresse deviendra la sienne.',
    submit: 'Confirmer la nouvelle adresse',
    caution: 'Vous n’avez rien demandé\u00a0? Alors fermez cette page, et rien ne change.',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead: 'Vous pouvez en demander un nouveau dans votre compte.',
    missingLead:
      'Avez-vous ouvert le lien de notre message\u00a0? Alors il n’est pas arrivé entier. Dans votre compte, là où vous avez demandé le changement, vous pouvez saisir le code du message ou demander un nouveau message.',
    takenTitle: 'Cette adresse a déjà un compte',
    takenLead: 'Quelqu’un l’a inscrite entre-temps. Votre compte garde son adresse actuelle.',
    doneTitle: 'Votre adresse est changée',
    doneLead: 'Connectez-vous désormais avec la nouvelle adresse\u00a0; les messages y arrivent aussi.',
  },

  secure: {
    title: 'Ce n’était pas vous\u00a0?',
    lead: 'Alors fermez la porte à cette personne. Pour continuer, saisissez l’adresse à laquelle l’avis a été envoyé.',
    whatHappens: 'Voici ce qui se passe quand vous appuyez sur le bouton\u00a0:',
    effects: [
      'Tous les appareils sont aussitôt déconnectés.',
      'Le mot de passe ne fonctionne plus, qui que ce soit qui l’ait défini.',
      'Une adresse modifiée est rétablie.',
      'Vous recevez un message avec un lien pour choisir un nouveau mot de passe.',
    ],
    submit: 'Sécuriser mon compte',
    doneTitle: 'Votre compte est sécurisé',
    doneLead:
      'Tous les appareils sont déconnectés et l’ancien mot de passe est bloqué. Un message est en route vers\u00a0:',
    doneNext:
      'Ouvrez le lien qu’il contient pour choisir un nouveau mot de passe, que vous n’utilisez nulle part ailleurs.',
    staleTitle: 'Ce lien n’a pas d’effet ici',
    staleLead: 'Ou bien l’adresse n’est pas celle à laquelle l’avis a été envoyé.',
    tryAgain: 'Saisir l’adresse de nouveau',
    resetInstead: 'Choisir un nouveau mot de passe',
    missingTitle: 'Ce n’était pas vous\u00a0?',
    missingLead:
      'Avez-vous ouvert le lien de notre avis\u00a0? Alors il n’est pas arrivé entier\u00a0: copiez-le en entier du message dans la barre d’adresse. Si cela ne suffit pas, choisissez un nouveau mot de passe\u00a0: cela déconnecte aussi tous les appareils.',
  },

  me: {
    title: 'Mon compte',
    loading: 'Un instant, nous cherchons votre compte.',
    failedTitle: 'Votre compte ne peut pas être affiché pour le moment',
    retry: 'Réessayer',
    you: 'Vous',
    address: 'Adresse',
    confirmed: 'Confirmée',
    since: 'Compte depuis',
    passwordSince: 'Mot de passe du',
    security: 'Accès',
    changePassword: 'Changer le mot de passe',
    passwordStep1: 'Saisissez d’abord le mot de passe actuel. Nous vous envoyons ensuite un code.',
    sendCode: 'M’envoyer un code',
    passwordStep2:
      'Nous vous avons envoyé un code de six chiffres. Il accompagne votre nouveau mot de passe.',
    code: 'Code reçu par e-mail',
    codeHint: 'Six chiffres.',
    setPassword: 'Changer le mot de passe',
    setPasswordNote: 'Tous les appareils seront alors déconnectés, celui-ci aussi.',
    changeEmail: 'Changer l’adresse',
    newEmail: 'Nouvelle adresse e-mail',
    emailNote:
      'Nous envoyons un lien et un code à la nouvelle adresse. Rien ne change avant que vous utilisiez l’un des deux.',
    emailStep2:
      'Si la nouvelle adresse est libre, un message est en route vers elle. Ouvrez le lien qu’il contient, ou saisissez ici le code qui s’y trouve\u00a0:',
    sendLink: 'Envoyer le message',
    devices: 'Appareils',
    devicesLead: 'Là où votre compte est ouvert en ce moment.',
    logOutOthers: 'Déconnecter tous les autres',
    mails: 'Vos messages',
    language: 'Langue',
    languageDefault: 'Par défaut (anglais)',
    save: 'Enregistrer',
    history: 'Historique',
    historyLead: 'Ce qui s’est passé sur votre compte, le plus récent d’abord.',
    more: 'Afficher la suite',
    data: 'Vos données',
    exportText: 'Tout ce que nous conservons à votre sujet, dans un fichier JSON.',
    exportButton: 'Télécharger mes données',
    deleteTitle: 'Supprimer le compte',
    deleteText:
      'Le compte et ses appareils sont supprimés aussitôt. Seul le lien «\u00a0Ce n’était pas moi\u00a0» d’un message précédent peut le rétablir, tant qu’il est valable.',
    typeEmail: 'Pour être sûr, saisissez votre adresse e-mail',
    deleteButton: 'Supprimer mon compte',
  },

  error: {
    notFoundTitle: 'Il n’y a rien ici',
    notFoundLead: 'L’adresse est peut-être mal saisie, ou la page n’existe plus.',
    home: 'Vers la page d’accueil',
    waitTitle: 'Un instant, s’il vous plaît',
    waitLead: wait =>
      `Trop de requêtes sont venues de votre réseau. Attendez ${wait}, puis rechargez la page.`,
    failedTitle: 'Cela n’a pas marché',
    failedLead: 'Un problème est survenu de notre côté. Rechargez la page dans un instant.',
  },
}
