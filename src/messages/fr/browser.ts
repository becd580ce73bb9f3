import type { BrowserWords } from '../en/browser.ts'

/** French, with « vous ». No-break spaces are written as escapes so that they can be seen. */
export const browser: BrowserWords = {
  show: 'Afficher',
  hide: 'Masquer',
  busy: 'Un instant…',
  slow: 'C’est plus long que d’habitude. Veuillez patienter…',

  required: 'Veuillez remplir ce champ.',
  emailForm: 'Une adresse e-mail contient un @ et un domaine, par exemple ada@example.org.',
  repeatDiffers: 'Ce n’est pas le même mot de passe.',
  codeForm: digits => `Le code comporte ${digits} chiffres.`,
  typedEmailDiffers: 'Ce n’est pas l’adresse de votre compte.',

  strength: {
    tooShort: missing =>
      missing === 1
        ? 'Trop court\u00a0: encore un caractère.'
        : `Trop court\u00a0: encore ${missing} caractères.`,
    weak: 'Faible\u00a0: quelqu’un qui essaie longtemps le trouverait.',
    fair: 'Moyen. Quelques caractères de plus le rendent fort.',
    strong: 'Fort.',
  },
  rejected: {
    short: minimum => `Le mot de passe doit comporter au moins ${minimum} caractères.`,
    long: 'Le mot de passe doit comporter au plus 128 caractères.',
    email: 'Le mot de passe ne doit pas être votre adresse e-mail.',
    service: 'Le mot de passe ne doit pas être le nom de ce service.',
    other: 'Ce mot de passe fait partie de ceux qu’on essaie en premier. Veuillez en choisir un autre.',
  },

  validFor: duration => `Votre lien est encore valable ${duration}.`,
  wait: duration => `Trop de tentatives. Veuillez attendre ${duration}, puis réessayez.`,
  overloaded: duration => `Le service est très sollicité. Veuillez réessayer dans ${duration}.`,

  problems: {
    validation_failed: 'Quelque chose ne va pas dans ce formulaire.',
    malformed_json: 'La demande n’est pas arrivée entière. Veuillez réessayer.',
    bad_request: 'La demande n’est pas arrivée entière. Veuillez réessayer.',
    token_invalid: 'Ce lien n’est pas valable. A-t-il été copié en entier\u00a0?',
    token_expired: 'Ce lien a expiré.',
    token_spent: 'Ce lien a déjà servi, ou ce à quoi il servait a changé.',
    code_invalid: 'Ce code n’est pas le bon. Après cinq erreurs, il vous en faut un nouveau.',
    invalid_credentials:
      'L’adresse ou le mot de passe est incorrect, ou l’adresse n’est pas encore confirmée.',
    unauthenticated: 'Vous n’êtes plus connecté.',
    refresh_token_invalid: 'Vous n’êtes plus connecté.',
    invalid_password: 'Ce n’est pas le bon mot de passe.',
    email_not_confirmed: 'Cette adresse n’est pas encore confirmée.',
    account_disabled: 'Ce compte est désactivé. Veuillez écrire à l’équipe qui exploite le service.',
    origin_not_allowed: 'Cette demande vient d’un autre site.',
    not_found: 'Cela n’existe plus.',
    method_not_allowed: 'Cela n’est pas possible ici.',
    request_timeout: 'La demande a pris trop de temps. Veuillez réessayer.',
    email_taken: 'Il existe déjà un compte pour cette adresse.',
    payload_too_large: 'C’était trop long.',
    unsupported_media_type: 'Cela n’est pas possible ici.',
    password_rejected: 'Veuillez choisir un autre mot de passe.',
    rate_limited: 'Trop de tentatives. Veuillez patienter un peu.',
    headers_too_large: 'C’était trop long.',
    internal_error: 'Un problème est survenu de notre côté. Veuillez réessayer dans un instant.',
    overloaded: 'Le service est très sollicité. Veuillez réessayer dans un instant.',
    not_ready: 'Le service n’est pas encore prêt. Veuillez réessayer dans un instant.',
  },
  wrongPassword: 'Ce n’est pas le bon mot de passe.',
  codeExpired: 'Le code a expiré. Veuillez en demander un nouveau.',
  network: 'Le service est injoignable. Êtes-vous bien en ligne\u00a0? Rien n’est perdu\u00a0: réessayez.',
  timeout: 'Le service ne répond pas. Rien n’est perdu\u00a0: réessayez.',
  damagedLink:
    'Le lien du message a été modifié en route, par votre messagerie ou par un filtre, et ne fonctionne pas ainsi.',
  insecure:
    'Cette page a été chargée sans chiffrement (http)\u00a0: les navigateurs ne peuvent pas vous y garder connecté.',
  refused:
    'Votre navigateur ne conserve pas les cookies ou les données de ce site\u00a0: vous ne pouvez pas y rester connecté. Autorisez les deux, puis rechargez la page.',

  notices: {
    logged_out: 'Vous êtes déconnecté.',
    session_ended: 'Vous avez été déconnecté. Veuillez vous connecter de nouveau.',
    password_set:
      'Votre nouveau mot de passe est défini et tous les appareils sont déconnectés. Connectez-vous maintenant avec lui.',
    account_deleted: 'Votre compte est supprimé. Au revoir.',
    confirmed: 'Votre adresse est confirmée. Bienvenue\u00a0!',
    email_changed: 'Votre adresse est changée. Connectez-vous désormais avec la nouvelle.',
  },

  thisDevice: 'Cet appareil',
  unknownDevice: 'Appareil inconnu',
  lastUsed: when => `Dernière utilisation\u00a0: ${when}`,
  from: ip => `depuis ${ip}`,
  logOutDevice: 'Déconnecter',
  logOutNamed: (device, when) => `Déconnecter\u00a0: ${device}, dernière utilisation\u00a0: ${when}`,
  loggedOutDevice: 'L’appareil est déconnecté.',
  loggedOutOthers: 'Tous les autres appareils sont déconnectés.',
  notConfirmed: 'pas encore',
  saved: 'Enregistré.',
  exported: 'Vos données se trouvent dans les téléchargements de votre navigateur.',
  events: {
    registered: 'Inscription',
    confirmed: 'Adresse confirmée',
    logged_in: 'Connexion',
    log_in_refused: 'Tentative de connexion avec un mauvais mot de passe',
    refresh_token_reused: 'Une session déjà renouvelée a été réutilisée, puis fermée',
    reset_requested: 'Nouveau mot de passe demandé',
    password_reset: 'Mot de passe défini par lien ou code',
    password_changed: 'Mot de passe changé',
    email_changed: 'Adresse changée',
    session_ended: 'Un appareil a été déconnecté',
    secured: 'Compte sécurisé\u00a0: «\u00a0ce n’était pas moi\u00a0»',
    exported: 'Données téléchargées',
    deleted: 'Compte supprimé',
  },
}
