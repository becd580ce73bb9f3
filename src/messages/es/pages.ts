import type { PageWords } from '../en/pages.ts'

/** Spanish, with «usted». */
export const pages: PageWords = {
  skip: 'Ir al contenido',
  navigation: 'Cuenta',
  language: 'Idioma',
  needsScript: 'Esta página necesita JavaScript y su navegador no lo ejecuta aquí.',
  noScriptHelp: 'Permita JavaScript para este sitio y vuelva a cargar la página.',
  notWhole: 'Esta página no se ha cargado por completo. Si este aviso sigue aquí, vuelva a cargar la página.',
  email: 'Correo electrónico',
  password: 'Contraseña',
  newPassword: 'Contraseña nueva',
  repeatPassword: 'Repita la contraseña',
  currentPassword: 'Contraseña actual',
  showPassword: 'Mostrar',
  passwordHint: minimum =>
    `Al menos ${minimum} caracteres. Unas cuantas palabras al azar son una buena contraseña.`,
  logIn: 'Iniciar sesión',
  logOut: 'Cerrar sesión',
  register: 'Registrarse',
  account: 'Mi cuenta',
  forgot: '¿Ha olvidado la contraseña?',
  cancel: 'Cancelar',

  home: {
    title: service => `Su cuenta en ${service}`,
    lead: 'Regístrese, inicie sesión, gestione su cuenta o elija una contraseña nueva si ha olvidado la suya.',
    registerText: '¿Es su primera vez? Solo necesita una dirección de correo.',
    logInText: 'Tiene una cuenta y conoce su contraseña.',
    forgotTitle: '¿Ha olvidado la contraseña?',
    forgotText: 'Le enviamos un enlace para elegir una nueva.',
    accountText: 'Dispositivos, contraseña, correo, historial y sus datos.',
  },

  registration: {
    title: 'Registrarse',
    lead: 'Introduzca su dirección de correo. Le enviamos un enlace para confirmarla y elegir su contraseña.',
    submit: 'Registrarse',
    haveAccount: '¿Ya tiene una cuenta?',
    sentTitle: 'Revise su correo',
    sentLead: 'Si esta dirección se puede registrar, acabamos de enviar un mensaje a:',
    again: 'Enviarlo otra vez',
    another: 'Usar otra dirección',
    doneTitle: 'Su cuenta está lista',
    doneLead: 'Ya puede iniciar sesión con su contraseña.',
  },

  login: {
    title: 'Iniciar sesión',
    noAccount: '¿Aún no tiene cuenta?',
    offer: '¿Se registró, pero no confirmó su dirección de correo? Podemos enviarle el mensaje otra vez.',
    unconfirmedTitle: 'Confirme primero su dirección de correo',
    unconfirmedLead:
      'Para terminar su registro, abra el enlace de nuestro mensaje. Podemos enviarlo otra vez a:',
    resend: 'Enviar el mensaje otra vez',
  },

  confirmation: {
    title: 'Confirme su dirección de correo',
    lead: 'Elija su contraseña. Así confirma su dirección e inicia sesión.',
    forAddress: 'Su cuenta es para esta dirección:',
    submit: 'Confirmar e iniciar sesión',
    caution:
      '¿No es su dirección o no se ha registrado usted? Cierre esta página. Mientras no establezca una contraseña, no se crea ninguna cuenta.',
    doneTitle: 'Su dirección de correo está confirmada',
    doneLead:
      'Su contraseña está guardada, pero no ha iniciado sesión, porque su navegador bloquea las cookies o los datos de este sitio. Permita ambas cosas e inicie sesión.',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: '¿Ya ha confirmado su dirección? Entonces inicie sesión. Si no, pida un enlace nuevo.',
    missingTitle: 'Confirme su dirección de correo',
    missingLead:
      'Si ha abierto el enlace de nuestro mensaje, no ha llegado completo. Introduzca su dirección de correo. Le enviamos un enlace nuevo y un código que puede introducir aquí.',
    resend: 'Enviarme un enlace nuevo',
    resentTitle: 'Revise su correo',
    resentLead: 'Si esta dirección está pendiente de confirmar, acabamos de enviar un mensaje a:',
    resentNext:
      'Abra el enlace del mensaje y elija su contraseña. Si lee el mensaje en otro dispositivo, introduzca aquí su código:',
    otherwise: '¿Aún no se ha registrado?',
  },

  /** In place of the same words of the confirmation. */
  invitation: {
    title: 'Tiene una invitación',
    lead: 'Elija su contraseña. Con eso su dirección queda confirmada y la sesión, iniciada.',
    submit: 'Aceptar e iniciar sesión',
    caution: '¿No es su dirección? Entonces cierre esta página.',
  },

  forgotten: {
    title: '¿Ha olvidado la contraseña?',
    lead: 'Introduzca la dirección de correo de su cuenta. Le enviamos un enlace para elegir una contraseña nueva.',
    submit: 'Enviarme el enlace',
    remembered: '¿La ha recordado?',
    sentTitle: 'Revise su correo',
    sentLead: 'Si hay una cuenta con esta dirección, acabamos de enviar un mensaje a:',
    sentNext: 'Abra el enlace del mensaje. Si lo lee en otro dispositivo, introduzca aquí su código:',
    code: 'Código del mensaje',
    codeHint: 'Ocho cifras, del mensaje más reciente.',
    submitCode: 'Guardar la contraseña nueva',
    missing: '¿No ha llegado nada tras un minuto? Mire también en la carpeta de correo no deseado.',
    again: 'Empezar de nuevo',
  },

  reset: {
    title: 'Elija una contraseña nueva',
    checking: 'Comprobando su enlace…',
    forAddress: 'Para su cuenta con esta dirección:',
    afterwards:
      'Al guardarla se cierra la sesión en todos los dispositivos. Después, inicie sesión con la contraseña nueva.',
    submit: 'Guardar la contraseña nueva',
    retry: 'Intentarlo de nuevo',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: 'Introduzca su dirección de correo y le enviamos uno nuevo.',
    missingTitle: 'Elija una contraseña nueva',
    missingLead:
      'Si ha abierto el enlace de nuestro mensaje, no ha llegado completo. Introduzca la dirección de correo de su cuenta. Le enviamos un enlace nuevo y un código que puede introducir aquí.',
  },

  emailChange: {
    title: 'Confirme su nueva dirección de correo',
    lead: 'Introduzca la contraseña de su cuenta. A partir de entonces iniciará sesión con esta dirección:',
    submit: 'Confirmar la dirección nueva',
    caution: '¿No lo ha pedido usted? Cierre esta página y no cambiará nada.',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: 'Puede pedir uno nuevo en su cuenta.',
    missingLead:
      'Si ha abierto el enlace de nuestro mensaje, no ha llegado completo. En su cuenta, donde pidió el cambio, introduzca el código del mensaje o pida un mensaje nuevo.',
    takenTitle: 'Esta dirección ya tiene una cuenta',
    takenLead: 'Alguien la ha registrado entretanto. Su cuenta conserva la dirección que tiene.',
    doneTitle: 'Su dirección de correo ha cambiado',
    doneLead:
      'A partir de ahora, inicie sesión con la dirección nueva. Nuestros mensajes también llegan a ella.',
  },

  secure: {
    title: 'Proteja su cuenta',
    lead: 'Impida el acceso a quien haya sido. Introduzca la dirección de correo a la que se envió nuestro aviso.',
    whatHappens: 'Cuando pulse el botón:',
    effects: [
      'Se cerrará enseguida la sesión en todos los dispositivos.',
      'La contraseña actual dejará de servir, la haya elegido quien la haya elegido.',
      'Si se cambió la dirección de correo, volverá la anterior.',
      'Usted recibirá un enlace para elegir una contraseña nueva.',
    ],
    submit: 'Proteger mi cuenta',
    doneTitle: 'Su cuenta está protegida',
    doneLead:
      'Se ha cerrado la sesión en todos los dispositivos y la contraseña anterior ya no sirve. Acabamos de enviar un mensaje a:',
    doneNext: 'Abra el enlace que contiene y elija una contraseña nueva que no use en ningún otro sitio.',
    staleTitle: 'No ha funcionado',
    staleLead: 'O ha introducido una dirección distinta de aquella a la que se envió nuestro aviso.',
    tryAgain: 'Introducir la dirección otra vez',
    resetInstead: 'Elegir una contraseña nueva',
    missingTitle: 'Proteja su cuenta',
    missingLead:
      'Si ha abierto el enlace de nuestro aviso, no ha llegado completo. Cópielo entero del mensaje en la barra de direcciones. Si no sirve, elija una contraseña nueva: eso también cierra la sesión en todos los dispositivos.',
  },

  me: {
    title: 'Mi cuenta',
    loading: 'Cargando su cuenta…',
    failedTitle: 'Ahora mismo no se puede mostrar su cuenta',
    retry: 'Intentarlo de nuevo',
    you: 'Perfil',
    address: 'Correo',
    confirmed: 'Confirmada',
    since: 'Cuenta desde',
    passwordSince: 'Contraseña del',
    security: 'Contraseña y correo',
    changePassword: 'Cambiar la contraseña',
    passwordStep1: 'Introduzca su contraseña actual. Después le enviamos un código por correo.',
    sendCode: 'Enviarme un código',
    passwordStep2:
      'Le hemos enviado por correo un código de seis cifras. Introdúzcalo aquí junto con su contraseña nueva.',
    code: 'Código del mensaje',
    codeHint: 'Seis cifras.',
    setPassword: 'Cambiar mi contraseña',
    setPasswordNote: 'Esto cierra la sesión en todos los dispositivos, también en este.',
    changeEmail: 'Cambiar la dirección de correo',
    newEmail: 'Nueva dirección de correo',
    emailNote:
      'Enviamos un enlace y un código a la dirección nueva. Nada cambia hasta que usted use uno de los dos.',
    emailStep2:
      'Si la dirección nueva está libre, acabamos de enviarle un mensaje. Abra el enlace que contiene o introduzca aquí su código:',
    sendLink: 'Enviar el mensaje',
    devices: 'Dispositivos',
    devicesLead: 'Donde tiene la sesión abierta ahora mismo.',
    logOutOthers: 'Cerrar sesión en los demás dispositivos',
    mails: 'Idioma de nuestros mensajes',
    language: 'Idioma',
    languageDefault: 'Predeterminado (inglés)',
    save: 'Guardar',
    history: 'Historial',
    historyLead: 'Lo que ha ocurrido en su cuenta, lo más reciente primero.',
    more: 'Mostrar más',
    data: 'Sus datos',
    exportText: 'Todo lo que guardamos sobre usted, en un archivo JSON.',
    exportButton: 'Descargar mis datos',
    deleteTitle: 'Eliminar la cuenta',
    deleteText:
      'Su cuenta se elimina y se cierra la sesión en todos los dispositivos enseguida. Solo se puede recuperar con «No fui yo» en un mensaje anterior nuestro, mientras ese enlace sea válido.',
    typeEmail: 'Para confirmarlo, introduzca su dirección de correo',
    deleteButton: 'Eliminar mi cuenta',
  },

  error: {
    notFoundTitle: 'Esta página no existe',
    notFoundLead: 'Puede que la dirección esté mal escrita o que la página se haya eliminado.',
    home: 'Ir a la página de inicio',
    waitTitle: 'Espere un momento, por favor',
    waitLead: wait =>
      `Han llegado demasiadas solicitudes desde su red. Espere ${wait} y vuelva a cargar la página.`,
    failedTitle: 'No ha funcionado',
    failedLead: 'Algo ha salido mal por nuestra parte. Vuelva a cargar la página dentro de un momento.',
  },
}
