import type { PageWords } from '../en/pages.ts'

/** French, with « vous ». No-break spaces and hyphens are written as escapes so that they can be seen. */
export const pages: PageWords = {
  skip: 'Aller au contenu',
  navigation: 'Compte',
  language: 'Langue',
  needsScript: 'Cette page a besoin de JavaScript, et votre navigateur ne l’exécute pas ici.',
  noScriptHelp: 'Autorisez JavaScript pour ce site, puis rechargez la page.',
  notWhole: 'Cette page n’a pas été chargée entièrement. Si ce message reste affiché, rechargez la page.',
  email: 'Adresse e\u2011mail',
  password: 'Mot de passe',
  newPassword: 'Nouveau mot de passe',
  repeatPassword: 'Répétez le mot de passe',
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
    lead: 'Inscrivez-vous, connectez-vous, gérez votre compte ou choisissez un nouveau mot de passe si vous avez oublié le vôtre.',
    registerText: 'Nouveau ici\u00a0? Il suffit d’une adresse e\u2011mail.',
    logInText: 'Vous avez un compte et connaissez votre mot de passe.',
    forgotTitle: 'Mot de passe oublié\u00a0?',
    forgotText: 'Nous vous envoyons un lien pour en choisir un nouveau.',
    accountText: 'Appareils, mot de passe, adresse e\u2011mail, historique et vos données.',
  },

  registration: {
    title: 'S’inscrire',
    lead: 'Saisissez votre adresse e\u2011mail. Nous vous envoyons un lien pour la confirmer et choisir votre mot de passe.',
    submit: 'S’inscrire',
    haveAccount: 'Vous avez déjà un compte\u00a0?',
    sentTitle: 'Consultez votre messagerie',
    sentLead: 'Si cette adresse peut être inscrite, nous venons d’envoyer un message à\u00a0:',
    again: 'Renvoyer le message',
    another: 'Utiliser une autre adresse',
    doneTitle: 'Votre compte est prêt',
    doneLead: 'Vous pouvez maintenant vous connecter avec votre mot de passe.',
  },

  login: {
    title: 'Se connecter',
    noAccount: 'Pas encore de compte\u00a0?',
    offer:
      'Vous vous êtes inscrit sans confirmer votre adresse e\u2011mail\u00a0? Nous pouvons vous renvoyer le message.',
    unconfirmedTitle: 'Confirmez d’abord votre adresse e\u2011mail',
    unconfirmedLead:
      'Pour terminer votre inscription, ouvrez le lien de notre message. Nous pouvons le renvoyer à\u00a0:',
    resend: 'Renvoyer le message',
  },

  confirmation: {
    title: 'Confirmez votre adresse e\u2011mail',
    lead: 'Choisissez votre mot de passe. Votre adresse est alors confirmée, et vous êtes connecté.',
    forAddress: 'Votre compte sera lié à cette adresse\u00a0:',
    submit: 'Confirmer et me connecter',
    caution:
      'Ce n’est pas votre adresse, ou vous ne vous êtes pas inscrit\u00a0? Fermez cette page. Tant que vous ne définissez pas de mot de passe, aucun compte n’est créé.',
    doneTitle: 'Votre adresse e\u2011mail est confirmée',
    doneLead:
      'Votre mot de passe est défini, mais vous n’êtes pas connecté, car votre navigateur bloque les cookies ou les données de ce site. Autorisez les deux, puis connectez-vous.',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead:
      'Vous avez déjà confirmé votre adresse\u00a0? Connectez-vous simplement. Sinon, demandez un nouveau lien.',
    missingTitle: 'Confirmez votre adresse e\u2011mail',
    missingLead:
      'Si vous avez ouvert le lien de notre message, ce lien était incomplet. Saisissez votre adresse e\u2011mail. Nous vous envoyons un nouveau lien, et un code que vous pouvez saisir ici.',
    resend: 'M’envoyer un nouveau lien',
    resentTitle: 'Consultez votre messagerie',
    resentLead: 'Si cette adresse reste à confirmer, nous venons d’envoyer un message à\u00a0:',
    resentNext:
      'Ouvrez le lien du message et choisissez votre mot de passe. Si vous lisez le message sur un autre appareil, saisissez plutôt ici le code qu’il contient\u00a0:',
    otherwise: 'Pas encore inscrit\u00a0?',
  },

  /** In place of the same words of the confirmation. */
  invitation: {
    title: 'Vous êtes invité',
    lead: 'Choisissez votre mot de passe. Votre adresse est alors confirmée et vous êtes connecté.',
    submit: 'Accepter et se connecter',
    caution: 'Ce n’est pas votre adresse\u00a0? Alors fermez cette page.',
  },

  forgotten: {
    title: 'Mot de passe oublié\u00a0?',
    lead: 'Saisissez l’adresse e\u2011mail de votre compte. Nous vous envoyons un lien pour choisir un nouveau mot de passe.',
    submit: 'M’envoyer le lien',
    remembered: 'Vous vous en souvenez\u00a0?',
    sentTitle: 'Consultez votre messagerie',
    sentLead: 'S’il existe un compte pour cette adresse, nous venons d’envoyer un message à\u00a0:',
    sentNext:
      'Ouvrez le lien du message. Si vous le lisez sur un autre appareil, saisissez plutôt ici le code qu’il contient\u00a0:',
    code: 'Code reçu par e\u2011mail',
    codeHint: 'Huit chiffres, dans le message le plus récent.',
    submitCode: 'Définir le nouveau mot de passe',
    missing: 'Toujours pas de message après une minute\u00a0? Regardez aussi dans les indésirables.',
    again: 'Recommencer',
  },

  reset: {
    title: 'Choisissez un nouveau mot de passe',
    checking: 'Vérification de votre lien…',
    forAddress: 'Pour votre compte avec cette adresse\u00a0:',
    afterwards:
      'Tous les appareils seront alors déconnectés. Connectez-vous ensuite avec le nouveau mot de passe.',
    submit: 'Définir le nouveau mot de passe',
    retry: 'Réessayer',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead: 'Saisissez votre adresse e\u2011mail, et nous vous en envoyons un nouveau.',
    missingTitle: 'Choisissez un nouveau mot de passe',
    missingLead:
      'Si vous avez ouvert le lien de notre message, ce lien était incomplet. Saisissez l’adresse e\u2011mail de votre compte. Nous vous envoyons un nouveau lien, et un code que vous pouvez saisir ici.',
  },

  emailChange: {
    title: 'Confirmez votre nouvelle adresse e\u2011mail',
    lead: 'Saisissez le mot de passe de votre compte. Vous vous connecterez ensuite avec cette adresse\u00a0:',
    submit: 'Confirmer la nouvelle adresse',
    caution: 'Vous n’avez rien demandé\u00a0? Fermez cette page, et rien ne change.',
    staleTitle: 'Ce lien ne fonctionne plus',
    staleLead: 'Vous pouvez en demander un nouveau dans votre compte.',
    missingLead:
      'Si vous avez ouvert le lien de notre message, ce lien était incomplet. Dans votre compte, là où vous avez demandé le changement, saisissez le code du message ou demandez un nouveau message.',
    takenTitle: 'Cette adresse a déjà un compte',
    takenLead: 'Quelqu’un l’a inscrite entre-temps. Votre compte garde son adresse actuelle.',
    doneTitle: 'Votre adresse e\u2011mail a été modifiée',
    doneLead: 'Connectez-vous désormais avec la nouvelle adresse. Nos messages y arrivent aussi.',
  },

  secure: {
    title: 'Sécurisez votre compte',
    lead: 'Bloquez l’accès de cette personne. Saisissez l’adresse e\u2011mail à laquelle notre alerte a été envoyée.',
    whatHappens: 'Quand vous appuyez sur le bouton\u00a0:',
    effects: [
      'Tous les appareils sont aussitôt déconnectés.',
      'Le mot de passe actuel ne fonctionne plus, peu importe qui l’a défini.',
      'Si l’adresse e\u2011mail a été modifiée, l’ancienne est rétablie.',
      'Nous vous envoyons un lien pour choisir un nouveau mot de passe.',
    ],
    submit: 'Sécuriser mon compte',
    doneTitle: 'Votre compte est sécurisé',
    doneLead:
      'Tous les appareils sont déconnectés, et l’ancien mot de passe ne fonctionne plus. Nous venons d’envoyer un message à\u00a0:',
    doneNext:
      'Ouvrez le lien qu’il contient et choisissez un nouveau mot de passe, que vous n’utilisez nulle part ailleurs.',
    staleTitle: 'Cela n’a pas fonctionné',
    staleLead: 'Ou bien vous avez saisi une autre adresse que celle à laquelle notre alerte a été envoyée.',
    tryAgain: 'Saisir l’adresse de nouveau',
    resetInstead: 'Choisir un nouveau mot de passe',
    missingTitle: 'Sécurisez votre compte',
    missingLead:
      'Si vous avez ouvert le lien de notre alerte, ce lien était incomplet. Copiez-le en entier du message dans la barre d’adresse. Si cela ne suffit pas, choisissez un nouveau mot de passe\u00a0: cela déconnecte aussi tous les appareils.',
  },

  me: {
    title: 'Mon compte',
    loading: 'Chargement de votre compte…',
    failedTitle: 'Votre compte ne peut pas être affiché pour le moment',
    retry: 'Réessayer',
    you: 'Profil',
    address: 'Adresse e\u2011mail',
    confirmed: 'Confirmée',
    since: 'Compte depuis',
    passwordSince: 'Mot de passe défini le',
    security: 'Mot de passe et adresse e\u2011mail',
    changePassword: 'Changer le mot de passe',
    passwordStep1: 'Saisissez votre mot de passe actuel. Nous vous envoyons ensuite un code par e\u2011mail.',
    sendCode: 'M’envoyer un code',
    passwordStep2:
      'Nous vous avons envoyé un code de six chiffres par e\u2011mail. Saisissez-le ici avec votre nouveau mot de passe.',
    code: 'Code reçu par e\u2011mail',
    codeHint: 'Six chiffres.',
    setPassword: 'Changer mon mot de passe',
    setPasswordNote: 'Tous les appareils seront alors déconnectés, celui-ci aussi.',
    changeEmail: 'Changer l’adresse e\u2011mail',
    newEmail: 'Nouvelle adresse e\u2011mail',
    emailNote:
      'Nous envoyons un lien et un code à la nouvelle adresse. Rien ne change avant que vous utilisiez l’un des deux.',
    emailStep2:
      'Si la nouvelle adresse est libre, nous venons d’y envoyer un message. Ouvrez le lien qu’il contient, ou saisissez ici son code\u00a0:',
    sendLink: 'Envoyer le message',
    devices: 'Appareils',
    devicesLead: 'Là où vous êtes connecté en ce moment.',
    logOutOthers: 'Déconnecter tous les autres appareils',
    mails: 'Langue de nos messages',
    language: 'Langue',
    languageDefault: 'Par défaut (anglais)',
    save: 'Enregistrer',
    history: 'Historique',
    historyLead: 'Ce qui s’est passé sur votre compte, du plus récent au plus ancien.',
    more: 'Afficher la suite',
    data: 'Vos données',
    exportText: 'Tout ce que nous conservons à votre sujet, dans un fichier JSON.',
    exportButton: 'Télécharger mes données',
    deleteTitle: 'Supprimer le compte',
    deleteText:
      'Votre compte est supprimé et tous les appareils sont déconnectés aussitôt. Seul le lien «\u00a0Ce n’était pas moi\u00a0» d’un message précédent peut le rétablir, tant qu’il est valable.',
    typeEmail: 'Pour confirmer, saisissez votre adresse e\u2011mail',
    deleteButton: 'Supprimer mon compte',
  },

  error: {
    notFoundTitle: 'Cette page n’existe pas',
    notFoundLead: 'L’adresse contient peut-être une erreur, ou la page a été supprimée.',
    home: 'Aller à la page d’accueil',
    waitTitle: 'Veuillez patienter un instant',
    waitLead: wait =>
      `Trop de requêtes sont venues de votre réseau. Attendez ${wait}, puis rechargez la page.`,
    failedTitle: 'Cela n’a pas fonctionné',
    failedLead: 'Un problème est survenu de notre côté. Rechargez la page dans un instant.',
  },
}
