import type { BrowserWords } from '../en/browser.ts'

/** Spanish, with «usted». */
export const browser: BrowserWords = {
  show: 'Mostrar',
  hide: 'Ocultar',
  busy: 'Un momento…',
  slow: 'Está tardando más de lo habitual…',

  required: 'Rellene este campo, por favor.',
  emailForm: 'Introduzca una dirección de correo, por ejemplo ada@example.org.',
  repeatDiffers: 'Las dos contraseñas no coinciden.',
  codeForm: digits => `Introduzca las ${digits} cifras del código.`,
  typedEmailDiffers: 'No es la dirección de correo de su cuenta.',

  strength: {
    tooShort: missing =>
      missing === 1
        ? 'Demasiado corta: falta un carácter.'
        : `Demasiado corta: faltan ${missing} caracteres.`,
    weak: 'Débil: fácil de adivinar.',
    fair: 'Aceptable. Con algunos caracteres más será fuerte.',
    strong: 'Fuerte.',
  },
  rejected: {
    short: minimum => `Use al menos ${minimum} caracteres.`,
    long: 'Use como máximo 128 caracteres.',
    email: 'Su contraseña no debe ser su dirección de correo.',
    service: 'Su contraseña no debe ser el nombre de este servicio.',
    other: 'Esta contraseña es muy común y, por tanto, fácil de adivinar. Elija otra, por favor.',
  },

  validFor: duration => `Este enlace es válido durante ${duration} más.`,
  wait: duration => `Demasiados intentos. Espere ${duration} e inténtelo de nuevo.`,
  overloaded: duration => `El servicio está ocupado. Inténtelo de nuevo dentro de ${duration}.`,

  problems: {
    validation_failed: 'Hay algo incorrecto en este formulario. Compruebe lo que ha introducido.',
    malformed_json: 'La solicitud se dañó por el camino. Inténtelo de nuevo.',
    bad_request: 'La solicitud se dañó por el camino. Inténtelo de nuevo.',
    token_invalid: 'Este enlace no es válido. Quizás no se copió completo.',
    token_expired: 'Este enlace ha caducado.',
    token_spent: 'Este enlace ya se ha usado o se ha sustituido por otro.',
    code_invalid: 'Este código no es correcto. Después de cinco fallos necesita uno nuevo.',
    invalid_credentials:
      'La dirección de correo o la contraseña no es correcta, o la dirección aún no está confirmada.',
    unauthenticated: 'Su sesión ya no está abierta.',
    refresh_token_invalid: 'Su sesión ya no está abierta.',
    invalid_password: 'La contraseña no es correcta.',
    email_not_confirmed: 'Esta dirección de correo aún no está confirmada.',
    account_disabled: 'Esta cuenta está desactivada. Escriba a los responsables del servicio.',
    origin_not_allowed: 'Esta solicitud vino de otro sitio web.',
    not_found: 'Eso ya no existe.',
    method_not_allowed: 'Eso no es posible aquí.',
    request_timeout: 'La solicitud tardó demasiado. Inténtelo de nuevo.',
    email_taken: 'Ya hay una cuenta con esta dirección de correo.',
    payload_too_large: 'Lo que ha introducido es demasiado largo.',
    unsupported_media_type: 'Eso no es posible aquí.',
    password_rejected: 'Elija otra contraseña, por favor.',
    rate_limited: 'Demasiados intentos. Espere un momento, por favor.',
    headers_too_large:
      'Su navegador ha enviado demasiados datos. Borre las cookies de este sitio e inténtelo de nuevo.',
    internal_error: 'Algo ha salido mal por nuestra parte. Inténtelo de nuevo dentro de un momento.',
    overloaded: 'El servicio está ocupado. Inténtelo de nuevo dentro de un momento.',
    not_ready: 'El servicio aún no está listo. Inténtelo de nuevo dentro de un momento.',
  },
  wrongPassword: 'La contraseña no es correcta.',
  codeExpired: 'Este código ha caducado. Pida uno nuevo.',
  network:
    'No se puede conectar con el servicio. Compruebe su conexión e inténtelo de nuevo. No se ha perdido nada.',
  timeout: 'El servicio no responde. Inténtelo de nuevo. No se ha perdido nada.',
  damagedLink:
    'El enlace de nuestro mensaje se ha modificado por el camino, por su programa de correo o por un filtro, y así no funciona.',
  insecure:
    'Esta página se cargó sin cifrado (http), por lo que su navegador no puede mantener la sesión abierta aquí.',
  refused:
    'Su navegador bloquea las cookies o los datos de este sitio, por lo que su sesión no puede quedar abierta aquí. Permita ambas cosas y vuelva a cargar la página.',

  notices: {
    logged_out: 'Ha cerrado la sesión.',
    session_ended: 'Se cerró su sesión. Inicie sesión de nuevo, por favor.',
    password_set:
      'Su contraseña nueva está guardada y se ha cerrado la sesión en todos los dispositivos. Inicie sesión con ella ahora.',
    account_deleted: 'Su cuenta se ha eliminado. Hasta siempre.',
    confirmed: 'Su dirección de correo está confirmada. Le damos la bienvenida.',
    email_changed: 'Su dirección de correo ha cambiado. A partir de ahora, inicie sesión con la nueva.',
  },

  thisDevice: 'Este dispositivo',
  unknownDevice: 'Dispositivo desconocido',
  device: name => name.replace(/^Other client/, 'Otro programa').replace(' on ', ' en '),
  lastUsed: when => `Último uso: ${when}`,
  from: ip => `desde ${ip}`,
  logOutDevice: 'Cerrar sesión',
  logOutNamed: (device, when) => `Cerrar sesión: ${device}, último uso: ${when}`,
  loggedOutDevice: 'Se ha cerrado la sesión en el dispositivo.',
  loggedOutOthers: 'Se ha cerrado la sesión en todos los demás dispositivos.',
  notConfirmed: 'todavía no',
  saved: 'Guardado.',
  exported: 'Sus datos están en las descargas de su navegador.',
  events: {
    registered: 'Registro',
    confirmed: 'Dirección de correo confirmada',
    logged_in: 'Inicio de sesión',
    log_in_refused: 'Intento de iniciar sesión con una contraseña incorrecta',
    refresh_token_reused: 'Se reutilizó una clave de sesión antigua, así que la sesión se cerró',
    reset_requested: 'Se pidió una contraseña nueva',
    password_reset: 'Contraseña restablecida por enlace o código',
    password_changed: 'Contraseña cambiada',
    email_changed: 'Dirección de correo cambiada',
    session_ended: 'Se cerró la sesión en un dispositivo',
    secured: 'Cuenta protegida: «No fui yo»',
    exported: 'Datos descargados',
    deleted: 'Cuenta eliminada',
    invited: 'Invitación de un responsable',
    disabled: 'Desactivada por un responsable',
    enabled: 'Activada por un responsable',
    reset_required: 'Un responsable exige una contraseña nueva',
    unlocked: 'Desbloqueada por un responsable',
    claims_changed: 'Roles cambiados por un responsable',
  },
}
