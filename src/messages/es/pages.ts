import type { PageWords } from '../en/pages.ts'

/** Spanish, with «usted». */
export const pages: PageWords = {
  skip: 'Ir al contenido',
  navigation: 'Cuenta',
  needsScript: 'Esta página necesita JavaScript y su navegador no lo ejecuta aquí.',
  noScriptHelp: 'Permita JavaScript para este sitio y vuelva a cargar la página.',
  notWhole: 'Esta página no ha llegado completa. Si este aviso sigue aquí, vuelva a cargar la página.',
  email: 'Dirección de correo',
  password: 'Contraseña',
  newPassword: 'Contraseña nueva',
  repeatPassword: 'La misma contraseña otra vez',
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
    lead: 'Regístrese, inicie sesión, cuide de su cuenta y recupere el acceso cuando no tenga la contraseña.',
    registerText: '¿Es su primera vez? Basta con una dirección de correo.',
    logInText: 'Tiene una cuenta y sabe la contraseña.',
    forgotTitle: 'Contraseña olvidada',
    forgotText: 'Le enviamos un enlace y un código para otros dispositivos.',
    accountText: 'Dispositivos, contraseña, dirección, historial y sus datos.',
  },

  registration: {
    title: 'Registrarse',
    lead: 'Introduzca su dirección de correo. Le enviamos un enlace para confirmarla y elegir su contraseña.',
    submit: 'Registrarse',
    haveAccount: '¿Ya tiene una cuenta?',
    sentTitle: 'Mire su correo',
    sentLead: 'Si esta dirección se puede registrar, hay un mensaje en camino a:',
    again: 'Enviarlo otra vez',
    another: 'Usar otra dirección',
    doneTitle: 'Su cuenta está lista',
    doneLead: 'Ya puede iniciar sesión con su contraseña.',
  },

  login: {
    title: 'Iniciar sesión',
    noAccount: '¿Aún no tiene cuenta?',
    offer: '¿Se registró y nunca confirmó su dirección? Podemos enviarle el mensaje otra vez.',
    unconfirmedTitle: 'Confirme primero su dirección',
    unconfirmedLead:
      'Para terminar su registro, abra el enlace de nuestro mensaje. Podemos enviárselo otra vez.',
    resend: 'Enviar el mensaje otra vez',
  },

  confirmation: {
    title: 'Confirmar su dirección',
    lead: 'Elija su contraseña. Con eso su dirección queda confirmada y la sesión, iniciada.',
    forAddress: 'Su cuenta es para esta dirección:',
    submit: 'Confirmar e iniciar sesión',
    caution:
      '¿No es su dirección o no se ha registrado usted? Entonces cierre esta página. Mientras no establezca una contraseña, no se crea ninguna cuenta.',
    doneTitle: 'Su dirección está confirmada',
    doneLead:
      'Su contraseña está establecida, pero no ha iniciado sesión: su navegador no guarda cookies o datos de este sitio. Permita ambas cosas e inicie sesión.',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: 'Si ya ha confirmado su dirección, inicie sesión sin más. Si no, pida un enlace nuevo.',
    missingTitle: 'Confirmar su dirección',
    missingLead:
      '¿Ha abierto el enlace de nuestro mensaje? Entonces no ha llegado completo. Introduzca su dirección: le enviamos un enlace nuevo y un código que puede escribir aquí.',
    resend: 'Enviarme un enlace nuevo',
    resentTitle: 'Mire su correo',
    resentLead: 'Si esta dirección está pendiente de confirmar, hay un mensaje en camino a:',
    resentNext:
      'Abra el enlace que contiene y elija su contraseña. O, si lee su correo en otro dispositivo, introduzca aquí el código del mensaje:',
    otherwise: '¿Aún no se ha registrado?',
  },

  forgotten: {
    title: '¿Ha olvidado la contraseña?',
    lead: 'Introduzca la dirección de su cuenta. Le enviamos un enlace para elegir una contraseña nueva.',
    submit: 'Enviarme el enlace',
    remembered: '¿La ha recordado?',
    sentTitle: 'Mire su correo',
    sentLead: 'Si hay una cuenta con esta dirección, hay un mensaje en camino a:',
    sentNext:
      'Abra el enlace que contiene. O, si lee su correo en otro dispositivo, introduzca aquí el código del mensaje:',
    code: 'Código del mensaje',
    codeHint: 'Ocho cifras. Solo el mensaje más reciente tiene las correctas.',
    submitCode: 'Guardar la contraseña nueva',
    missing: '¿No llega nada? Puede tardar un minuto. Mire también en la carpeta de correo no deseado.',
    again: 'Empezar de nuevo',
  },

  reset: {
    title: 'Elegir una contraseña nueva',
    checking: 'Un momento, estamos comprobando su enlace.',
    afterwards:
      'Al guardarla se cierra la sesión en todos los dispositivos, y usted inicia sesión con la contraseña nueva.',
    submit: 'Guardar la contraseña nueva',
    retry: 'Intentarlo de nuevo',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: 'Uno nuevo está a un solo clic.',
    missingTitle: 'Elegir una contraseña nueva',
    missingLead:
      '¿Ha abierto el enlace de nuestro mensaje? Entonces no ha llegado completo. Introduzca la dirección de su cuenta: le enviamos un enlace nuevo y un código que puede escribir aquí.',
  },

  emailChange: {
    title: 'Confirmar su dirección nueva',
    lead: 'Introduzca la contraseña de su cuenta y esta dirección pasará a ser la suya.',
    submit: 'Confirmar la dirección nueva',
    caution: '¿No lo ha pedido usted? Entonces cierre esta página y no cambiará nada.',
    staleTitle: 'Este enlace ya no funciona',
    staleLead: 'Puede pedir uno nuevo en su cuenta.',
    missingLead:
      '¿Ha abierto el enlace de nuestro mensaje? Entonces no ha llegado completo. En su cuenta, donde pidió el cambio, puede introducir el código del mensaje o pedir un mensaje nuevo.',
    takenTitle: 'Esta dirección ya tiene una cuenta',
    takenLead: 'Alguien la ha registrado entretanto. Su cuenta conserva la dirección que tiene.',
    doneTitle: 'Su dirección ha cambiado',
    doneLead: 'A partir de ahora inicie sesión con la dirección nueva; los mensajes también llegan a ella.',
  },

  secure: {
    title: '¿No ha sido usted?',
    lead: 'Entonces cierre el paso a quien haya sido. Para continuar, escriba la dirección a la que se envió el aviso.',
    whatHappens: 'Esto es lo que ocurre cuando pulsa el botón:',
    effects: [
      'Se cierra enseguida la sesión en todos los dispositivos.',
      'La contraseña deja de servir, la haya elegido quien la haya elegido.',
      'Si se cambió la dirección, vuelve a ser la de antes.',
      'Usted recibe un mensaje con un enlace para elegir una contraseña nueva.',
    ],
    submit: 'Proteger mi cuenta',
    doneTitle: 'Su cuenta está protegida',
    doneLead:
      'Se ha cerrado la sesión en todos los dispositivos y la contraseña anterior está bloqueada. Hay un mensaje en camino a:',
    doneNext: 'Abra el enlace que contiene y elija una contraseña nueva que no use en ningún otro sitio.',
    staleTitle: 'Este enlace no tiene efecto aquí',
    staleLead: 'O la dirección no es aquella a la que se envió el aviso.',
    tryAgain: 'Escribir la dirección otra vez',
    resetInstead: 'Elegir una contraseña nueva',
    missingTitle: '¿No ha sido usted?',
    missingLead:
      '¿Ha abierto el enlace de nuestro aviso? Entonces no ha llegado completo: cópielo entero del mensaje en la barra de direcciones. Si no sirve, elija una contraseña nueva: eso también cierra la sesión en todos los dispositivos.',
  },

  me: {
    title: 'Mi cuenta',
    loading: 'Un momento, estamos buscando su cuenta.',
    failedTitle: 'Ahora mismo no se puede mostrar su cuenta',
    retry: 'Intentarlo de nuevo',
    you: 'Usted',
    address: 'Dirección',
    confirmed: 'Confirmada',
    since: 'Cuenta desde',
    passwordSince: 'Contraseña del',
    security: 'Acceso',
    changePassword: 'Cambiar la contraseña',
    passwordStep1: 'Introduzca primero la contraseña actual. Después le enviamos un código.',
    sendCode: 'Enviarme un código',
    passwordStep2: 'Le hemos enviado un código de seis cifras. Va junto con su contraseña nueva.',
    code: 'Código del mensaje',
    codeHint: 'Seis cifras.',
    setPassword: 'Cambiar la contraseña',
    setPasswordNote: 'Después se cierra la sesión en todos los dispositivos, también en este.',
    changeEmail: 'Cambiar la dirección',
    newEmail: 'Dirección de correo nueva',
    emailNote:
      'Enviamos un enlace y un código a la dirección nueva. Nada cambia hasta que usted use uno de los dos.',
    emailStep2:
      'Si la dirección nueva está libre, hay un mensaje en camino a ella. Abra el enlace que contiene o introduzca aquí el código:',
    sendLink: 'Enviar el mensaje',
    devices: 'Dispositivos',
    devicesLead: 'Donde su cuenta está abierta ahora mismo.',
    logOutOthers: 'Cerrar sesión en los demás',
    mails: 'Sus mensajes',
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
      'La cuenta y sus dispositivos se eliminan enseguida. Solo se puede recuperar con «No fui yo» en un mensaje anterior nuestro, mientras ese enlace sea válido.',
    typeEmail: 'Para estar seguros, escriba su dirección de correo',
    deleteButton: 'Eliminar mi cuenta',
  },

  error: {
    notFoundTitle: 'Aquí no hay nada',
    notFoundLead: 'Puede que la dirección esté mal escrita o que la página ya no exista.',
    home: 'Ir a la página de inicio',
    waitTitle: 'Un momento, por favor',
    waitLead: wait =>
      `Han llegado demasiadas solicitudes desde su red. Espere ${wait} y vuelva a cargar la página.`,
    failedTitle: 'No ha funcionado',
    failedLead: 'Algo ha salido mal aquí. Vuelva a cargar la página dentro de un momento.',
  },
}
