import type { BrowserWords } from '../en/browser.ts'

/** French, with « vous ». No-break spaces and hyphens are written as escapes so that they can be seen. */
export const browser: BrowserWords = {
  show: 'Afficher',
  hide: 'Masquer',
  busy: 'Un instant…',
  slow: 'C’est plus long que d’habitude…',

  required: 'Veuillez remplir ce champ.',
  emailForm: 'Saisissez une adresse e\u2011mail, par exemple ada@example.org.',
  repeatDiffers: 'Les deux mots de passe sont différents.',
  codeForm: digits => `Saisissez les ${digits} chiffres du code.`,
  typedEmailDiffers: 'Ce n’est pas l’adresse e\u2011mail de votre compte.',

  strength: {
    tooShort: missing =>
      missing === 1
        ? 'Trop court\u00a0: encore un caractère.'
        : `Trop court\u00a0: encore ${missing} caractères.`,
    weak: 'Faible\u00a0: facile à deviner.',
    fair: 'Moyen. Quelques caractères de plus le rendent fort.',
    strong: 'Fort.',
  },
  rejected: {
    short: minimum => `Utilisez au moins ${minimum} caractères.`,
    long: 'Utilisez au plus 128 caractères.',
    email: 'Votre mot de passe ne doit pas être votre adresse e\u2011mail.',
    service: 'Votre mot de passe ne doit pas être le nom de ce service.',
    other: 'Ce mot de passe est répandu, donc facile à deviner. Veuillez en choisir un autre.',
  },

  validFor: duration => `Ce lien est encore valable ${duration}.`,
  wait: duration => `Trop de tentatives. Veuillez attendre ${duration}, puis réessayez.`,
  overloaded: duration => `Le service est très sollicité. Veuillez réessayer dans ${duration}.`,

  problems: {
    validation_failed: 'Quelque chose ne va pas dans ce formulaire. Veuillez vérifier votre saisie.',
    malformed_json: 'La demande a été endommagée en route. Veuillez réessayer.',
    bad_request: 'La demande a été endommagée en route. Veuillez réessayer.',
    token_invalid: 'Ce lien n’est pas valable. Il n’a peut-être pas été copié en entier.',
    token_expired: 'Ce lien a expiré.',
    token_spent: 'Ce lien a déjà servi ou a été remplacé.',
    code_invalid: 'Ce code est incorrect. Après cinq erreurs, il vous en faut un nouveau.',
    invalid_credentials:
      'L’adresse e\u2011mail ou le mot de passe est incorrect, ou l’adresse n’est pas encore confirmée.',
    unauthenticated: 'Vous n’êtes plus connecté.',
    refresh_token_invalid: 'Vous n’êtes plus connecté.',
    invalid_password: 'Ce mot de passe est incorrect.',
    email_not_confirmed: 'Cette adresse e\u2011mail n’est pas encore confirmée.',
    account_disabled: 'Ce compte est désactivé. Veuillez écrire à l’équipe qui exploite le service.',
    origin_not_allowed: 'Cette demande vient d’un autre site.',
    not_found: 'Cela n’existe plus.',
    method_not_allowed: 'Cela n’est pas possible ici.',
    request_timeout: 'La demande a pris trop de temps. Veuillez réessayer.',
    email_taken: 'Il existe déjà un compte avec cette adresse e\u2011mail.',
    payload_too_large: 'Votre saisie est trop longue.',
    unsupported_media_type: 'Cela n’est pas possible ici.',
    password_rejected: 'Veuillez choisir un autre mot de passe.',
    rate_limited: 'Trop de tentatives. Veuillez patienter un instant.',
    headers_too_large:
      'Votre navigateur a envoyé trop de données. Supprimez les cookies de ce site, puis réessayez.',
    internal_error: 'Un problème est survenu de notre côté. Veuillez réessayer dans un instant.',
    overloaded: 'Le service est très sollicité. Veuillez réessayer dans un instant.',
    not_ready: 'Le service n’est pas encore prêt. Veuillez réessayer dans un instant.',
  },
  wrongPassword: 'Ce mot de passe est incorrect.',
  codeExpired: 'Ce code a expiré. Veuillez en demander un nouveau.',
  network: 'Le service est injoignable. Vérifiez votre connexion, puis réessayez. Rien n’est perdu.',
  timeout: 'Le service ne répond pas. Veuillez réessayer. Rien n’est perdu.',
  damagedLink:
    'Le lien de notre message a été modifié en route, par votre messagerie ou par un filtre\u00a0: il ne fonctionne pas ainsi.',
  insecure:
    'Cette page a été chargée sans chiffrement (http)\u00a0: votre navigateur ne peut pas vous y garder connecté.',
  refused:
    'Votre navigateur bloque les cookies ou les données de ce site\u00a0: vous ne pouvez pas y rester connecté. Autorisez les deux, puis rechargez la page.',

  notices: {
    logged_out: 'Vous êtes déconnecté.',
    session_ended: 'Vous avez été déconnecté. Veuillez vous connecter de nouveau.',
    password_set:
      'Votre nouveau mot de passe est défini, et tous les appareils sont déconnectés. Utilisez-le pour vous reconnecter.',
    account_deleted: 'Votre compte est supprimé. Au revoir.',
    confirmed: 'Votre adresse e\u2011mail est confirmée. Bienvenue\u00a0!',
    email_changed: 'Votre adresse e\u2011mail a été modifiée. Connectez-vous désormais avec la nouvelle.',
  },

  thisDevice: 'Cet appareil',
  unknownDevice: 'Appareil inconnu',
  device: name => name.replace(/^Other client/, 'Autre programme').replace(' on ', ' sur '),
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
    confirmed: 'Adresse e\u2011mail confirmée',
    logged_in: 'Connexion',
    log_in_refused: 'Tentative de connexion avec un mauvais mot de passe',
    refresh_token_reused: 'Une ancienne clé de session a été réutilisée, la session a donc été fermée',
    reset_requested: 'Nouveau mot de passe demandé',
    password_reset: 'Mot de passe réinitialisé par lien ou code',
    password_changed: 'Mot de passe modifié',
    email_changed: 'Adresse e\u2011mail modifiée',
    session_ended: 'Un appareil a été déconnecté',
    secured: 'Compte sécurisé\u00a0: «\u00a0Ce n’était pas moi\u00a0»',
    exported: 'Données téléchargées',
    deleted: 'Compte supprimé',
    invited: 'Invité par un responsable',
    disabled: 'Désactivé par un responsable',
    enabled: 'Réactivé par un responsable',
    reset_required: 'Nouveau mot de passe exigé par un responsable',
    unlocked: 'Débloqué par un responsable',
    claims_changed: 'Rôles modifiés par un responsable',
  },
}
