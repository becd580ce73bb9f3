import type { BrowserWords } from '../en/browser.ts'

/** Spanish, with «usted». */
export const browser: BrowserWords = {
  show: 'Mostrar',
  hide: 'Ocultar',
  busy: 'Un momento…',
  slow: 'Tarda más de lo habitual. Espere, por favor…',

  required: 'Rellene este campo, por favor.',
  emailForm: 'Una dirección de correo tiene una @ y un dominio, por ejemplo ada@example.org.',
  repeatDiffers: 'No es la misma contraseña.',
  codeForm: digits => `El código tiene ${digits} cifras.`,
  typedEmailDiffers: 'No es la dirección de su cuenta.',

  strength: {
    tooShort: missing =>
      missing === 1
        ? 'Demasiado corta: falta un carácter.'
        : `Demasiado corta: faltan ${missing} caracteres.`,
    weak: 'Débil: quien pruebe durante mucho tiempo la encontraría.',
    fair: 'Aceptable. Con algunos caracteres más será fuerte.',
    strong: 'Fuerte.',
  },
  rejected: {
    short: minimum => `La contraseña debe tener al menos ${minimum} caracteres.`,
    long: 'La contraseña debe tener como máximo 128 caracteres.',
    email: 'La contraseña no debe ser su dirección de correo.',
    service: 'La contraseña no debe ser el nombre de este servicio.',
    other: 'Esta contraseña es de las que se prueban primero. Elija otra, por favor.',
  },

  validFor: duration => `Su enlace es válido durante ${duration} más.`,
  wait: duration => `Demasiados intentos. Espere ${duration} e inténtelo de nuevo.`,
  overloaded: duration => `El servicio está ocupado. Inténtelo de nuevo dentro de ${duration}.`,

  problems: {
    validation_failed: 'Hay algo en este formulario que no es como debería.',
    malformed_json: 'La solicitud no llegó completa. Inténtelo de nuevo.',
    bad_request: 'La solicitud no llegó completa. Inténtelo de nuevo.',
    token_invalid: 'Este enlace no es válido. ¿Se copió completo?',
    token_expired: 'Este enlace ha caducado.',
    token_spent: 'Este enlace ya se ha usado, o ha cambiado aquello para lo que servía.',
    code_invalid: 'Este código no es correcto. Después de cinco fallos necesita uno nuevo.',
    invalid_credentials:
      'La dirección o la contraseña no es correcta, o la dirección aún no está confirmada.',
    unauthenticated: 'Su sesión ya no está abierta.',
    refresh_token_invalid: 'Su sesión ya no está abierta.',
    invalid_password: 'No es la contraseña correcta.',
    email_not_confirmed: 'Esta dirección aún no está confirmada.',
    account_disabled: 'Esta cuenta está desactivada. Escriba a quienes llevan el servicio.',
    origin_not_allowed: 'Esta solicitud vino de otro sitio web.',
    not_found: 'Eso ya no existe.',
    method_not_allowed: 'Eso no es posible aquí.',
    request_timeout: 'La solicitud tardó demasiado. Inténtelo de nuevo.',
    email_taken: 'Ya hay una cuenta con esta dirección.',
    payload_too_large: 'Era demasiado largo.',
    unsupported_media_type: 'Eso no es posible aquí.',
    password_rejected: 'Elija otra contraseña, por favor.',
    rate_limited: 'Demasiados intentos. Espere un poco, por favor.',
    headers_too_large: 'Era demasiado largo.',
    internal_error: 'Algo ha salido mal aquí. Inténtelo de nuevo dentro de un momento.',
    overloaded: 'El servicio está ocupado. Inténtelo de nuevo dentro de un momento.',
    not_ready: 'El servicio aún no está listo. Inténtelo de nuevo dentro de un momento.',
  },
  wrongPassword: 'No es la contraseña correcta.',
  codeExpired: 'El código ha caducado. Pida uno nuevo.',
  network: 'No se puede llegar al servicio. ¿Hay conexión? No se ha perdido nada: inténtelo de nuevo.',
  timeout: 'El servicio no responde. No se ha perdido nada: inténtelo de nuevo.',
  damagedLink:
    'El enlace del mensaje se ha modificado por el camino, por su programa de correo o por un filtro, y así no funciona.',
  insecure:
    'Esta página se cargó sin cifrado (http), por lo que los navegadores no pueden mantener aquí su sesión abierta.',
  refused:
    'Su navegador no guarda cookies o datos de este sitio, por lo que su sesión no puede quedar abierta aquí. Permita ambas cosas y vuelva a cargar la página.',

  notices: {
    logged_out: 'Ha cerrado la sesión.',
    session_ended: 'Se cerró su sesión. Inicie sesión de nuevo, por favor.',
    password_set:
      'Su contraseña nueva está guardada y se ha cerrado la sesión en todos los dispositivos. Inicie sesión con ella ahora.',
    account_deleted: 'Su cuenta se ha eliminado. Hasta siempre.',
    confirmed: 'Su dirección está confirmada. Le damos la bienvenida.',
    email_changed: 'Su dirección ha cambiado. A partir de ahora inicie sesión con la nueva.',
  },

  thisDevice: 'Este dispositivo',
  unknownDevice: 'Dispositivo desconocido',
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
    confirmed: 'Dirección confirmada',
    logged_in: 'Inicio de sesión',
    log_in_refused: 'Intento de iniciar sesión con una contraseña incorrecta',
    refresh_token_reused: 'Se volvió a usar una sesión ya renovada y se ha cerrado',
    reset_requested: 'Se pidió una contraseña nueva',
    password_reset: 'Contraseña elegida por enlace o código',
    password_changed: 'Contraseña cambiada',
    email_changed: 'Dirección cambiada',
    session_ended: 'Se cerró la sesión en un dispositivo',
    secured: 'Cuenta protegida: «No fui yo»',
    exported: 'Datos descargados',
    deleted: 'Cuenta eliminada',
  },
}
