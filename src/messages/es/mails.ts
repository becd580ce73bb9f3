import type { Mails } from '../mail-words.ts'
import { browser } from './browser.ts'

const securing =
  'Con ello se cierra la sesión en todos los dispositivos, la contraseña queda bloqueada hasta que usted elija otra y le enviamos un enlace para elegirla.'

/** Después de un código junto a un enlace. */
const eitherOne = 'Basta con el enlace o con el código, no hacen falta los dos. Ambos caducan a la vez.'

/** Spanish, with «usted». */
export const mails: Mails = {
  greeting: 'Hola:',
  linkHint: 'Si el botón no funciona, copie este enlace en su navegador:',
  unknownDevice: 'desconocido',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Confirme su dirección de correo para ${service}`,
    before: [`Para terminar su registro en ${service}, abra este enlace y elija su contraseña:`],
    button: 'Confirmar mi dirección de correo',
    beforeCode:
      '¿Se registró en un teléfono o en otro dispositivo? Introduzca allí este código en lugar de abrir el enlace:',
    afterCode: eitherOne,
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje.`,
    ],
    reason: `Este mensaje se envió a ${to} porque alguien, probablemente usted, registró esta dirección en ${service}.`,
    notYou:
      'Si no fue usted, ignore este mensaje. No establezca ninguna contraseña y no comparta el enlace ni el código, sea quien sea quien los pida. Mientras la dirección no se confirme, no se crea ninguna cuenta.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `Ya tiene una cuenta en ${service}`,
    before: [
      `Alguien, quizás usted, ha intentado registrar ${to} en ${service}. Ya existe una cuenta con esta dirección y no se ha cambiado nada en ella.`,
      'Puede iniciar sesión con su contraseña. Si la ha olvidado, elija una nueva aquí:',
    ],
    button: 'Restablecer mi contraseña',
    after: [],
    reason: `Este mensaje se envió a ${to} porque es la dirección de una cuenta en ${service}.`,
    notYou:
      'Si no fue usted, no tiene que hacer nada. A quien lo intentó no se le ha dicho que existe una cuenta.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Restablezca su contraseña de ${service}`,
    before: [`Para elegir una contraseña nueva para su cuenta en ${service}, abra este enlace:`],
    button: 'Elegir una contraseña nueva',
    beforeCode:
      '¿Hizo la solicitud en un teléfono o en otro dispositivo? Introduzca allí este código en lugar de abrir el enlace:',
    afterCode: eitherOne,
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. Al elegir una contraseña nueva se cierra la sesión en todos los dispositivos.`,
    ],
    reason: `Este mensaje se envió a ${to} porque alguien, probablemente usted, solicitó restablecer la contraseña de esta cuenta.`,
    notYou:
      'Si no fue usted, ignore este mensaje: su contraseña sigue siendo la misma. No comparta nunca el enlace ni el código, sea quien sea quien los pida: cualquiera de los dos basta para apoderarse de su cuenta.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Su código para cambiar la contraseña de ${service}`,
    before: [
      `Alguien que tiene abierta una sesión en su cuenta de ${service} y conoce la contraseña ha solicitado cambiarla. Para continuar, introduzca este código donde solicitó el cambio:`,
    ],
    after: [
      `El código funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. No lo comparta nunca, sea quien sea quien lo pida.`,
      'Al cambiar la contraseña se cierra la sesión en todos los dispositivos.',
    ],
    reason: `Este mensaje se envió a ${to} porque alguien, probablemente usted, solicitó cambiar la contraseña de esta cuenta.`,
    notYou:
      'Si no fue usted, otra persona conoce su contraseña: restablézcala de inmediato. Así se cierra la sesión en todos los dispositivos y este código deja de servir.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Se ha cambiado su contraseña de ${service}`,
    before: [
      `La contraseña de su cuenta en ${service} se cambió el ${at} y se cerró la sesión en todos los dispositivos.`,
      `Si fue usted, no tiene que hacer nada. Si no, proteja primero su buzón de correo, porque quien cambió la contraseña quizás pueda leer sus mensajes. Después abra este enlace e introduzca allí la dirección ${to}:`,
    ],
    button: 'No fui yo',
    after: [securing],
    reason: `Este mensaje se envió a ${to} porque es la dirección de esta cuenta.`,
    notYou: 'Si no fue usted, no espere: mientras no actúe, otra persona puede usar su cuenta.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Confirme su nueva dirección de correo para ${service}`,
    before: [
      `Alguien, probablemente usted, ha solicitado que ${to} sea la dirección de correo de una cuenta en ${service}. Para confirmarlo, abra este enlace e introduzca la contraseña de esa cuenta:`,
    ],
    button: 'Confirmar mi nueva dirección',
    beforeCode:
      '¿Tiene su cuenta abierta en un teléfono o en otro dispositivo? Introduzca este código allí donde solicitó el cambio, en lugar de abrir el enlace:',
    afterCode: eitherOne,
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. Hasta que lo confirme, la cuenta conserva su dirección actual.`,
    ],
    reason: `Este mensaje se envió a ${to} porque alguien quiere usar esta dirección para una cuenta en ${service}.`,
    notYou:
      'Si no fue usted, ignore este mensaje. No introduzca ninguna contraseña y no comparta el enlace ni el código, sea quien sea quien los pida. Sin confirmación, la dirección no se usa.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `Cambio de dirección de correo solicitado en ${service}`,
    before: [
      `El ${at}, alguien que tiene abierta una sesión en su cuenta de ${service} y conoce la contraseña solicitó cambiar la dirección de correo de la cuenta a ${newEmail}. Todavía no ha cambiado nada: antes hay que confirmar la nueva dirección.`,
      `Si fue usted, aquí no tiene que hacer nada. Si no, abra este enlace e introduzca allí la dirección ${to}:`,
    ],
    button: 'No fui yo',
    after: [`${securing} La nueva dirección ya no se podrá confirmar.`],
    reason: `Este mensaje se envió a ${to} porque es la dirección de esta cuenta.`,
    notYou: 'Si no fue usted, no espere: otra persona conoce su contraseña.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Se ha cambiado su dirección de correo en ${service}`,
    before: [
      `La dirección de correo de su cuenta en ${service} se cambió a ${newEmail} el ${at}. A partir de ahora, inicie sesión con la nueva dirección; los mensajes sobre la cuenta se envían allí.`,
      `Si fue usted, no tiene que hacer nada. Si no, abra este enlace e introduzca allí la dirección ${to}:`,
    ],
    button: 'No fui yo',
    after: [`${securing} Además, ${to} vuelve a ser la dirección de la cuenta.`],
    reason: `Este mensaje se envió a ${to} porque era hasta entonces la dirección de esta cuenta.`,
    notYou: 'Si no fue usted, no espere: otra persona tiene su cuenta.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `Inicio de sesión en ${service} desde un dispositivo nuevo`,
    before: [
      `El ${at}, alguien inició sesión en su cuenta de ${service} desde un dispositivo que no conocíamos.`,
      `Dispositivo: ${browser.device(device)}`,
      ...(ip === null ? [] : [`Dirección IP: ${ip}`]),
      `Si fue usted, no tiene que hacer nada. Si no, abra este enlace e introduzca allí la dirección ${to}:`,
    ],
    button: 'No fui yo',
    after: [securing],
    reason: `Este mensaje se envió a ${to} porque es la dirección de esta cuenta.`,
    notYou: 'Si no fue usted, no espere: otra persona conoce su contraseña.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Su cuenta en ${service} está protegida`,
    before: [
      `Su cuenta en ${service} está protegida: se ha cerrado la sesión en todos los dispositivos y la contraseña anterior ya no sirve. Para elegir una nueva, abra este enlace:`,
    ],
    button: 'Elegir una contraseña nueva',
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. Pasado ese tiempo, solicite restablecer la contraseña.`,
      'Elija una contraseña que no use en ningún otro sitio y no comparta nunca el enlace.',
    ],
    reason: `Este mensaje se envió a ${to} porque alguien, probablemente usted, respondió «No fui yo» a un aviso sobre esta cuenta.`,
    notYou:
      'Si no fue usted, quizás otra persona esté leyendo su correo: proteja su buzón y, aun así, elija después una contraseña nueva.',
  }),

  invitation: ({ service, to, validFor }) => ({
    subject: `Invitación a ${service}`,
    before: [
      `Hay una cuenta en ${service} preparada para usted. Para elegir su contraseña e iniciar sesión, abra este enlace:`,
    ],
    button: 'Aceptar la invitación',
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje.`,
    ],
    reason: `Este mensaje se envió a ${to} porque alguien que gestiona ${service} ha invitado a esta dirección.`,
    notYou:
      'Si no espera ninguna invitación, ignore este mensaje. No comparta nunca el enlace, sea quien sea quien lo pida.',
  }),

  reset_required: ({ service, to, validFor }) => ({
    subject: `Elija una contraseña nueva para ${service}`,
    before: [
      `Quienes gestionan ${service} le piden a usted que elija una contraseña nueva. La anterior ya no es válida y se cerró la sesión en todos los dispositivos. Para elegir una nueva, abra este enlace:`,
    ],
    button: 'Elegir una contraseña nueva',
    after: [
      `El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. Pasado ese tiempo, solicite restablecer la contraseña.`,
    ],
    reason: `Este mensaje se envió a ${to} porque es la dirección de una cuenta en ${service}.`,
    notYou:
      'Elija una contraseña que no use en ningún otro sitio y no comparta nunca el enlace, sea quien sea quien lo pida.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Se ha eliminado su cuenta de ${service}`,
    before: [
      `Su cuenta de ${service} y lo que formaba parte de ella se han eliminado, tal como pidió alguien que tenía la sesión abierta y conocía la contraseña.`,
      'Puede volver a registrarse con esta dirección cuando quiera. Será una cuenta nueva y vacía.',
    ],
    after: [],
    reason: `Este mensaje se envió a ${to} porque era la dirección de esta cuenta.`,
    notYou: `Si no fue usted, otra persona conocía su contraseña: cámbiela en todos los demás sitios donde la use y escriba a los responsables de ${service}. Con «No fui yo» en un mensaje anterior nuestro, la cuenta se puede recuperar mientras ese enlace sea válido; si no, no se puede recuperar.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Se ha eliminado su cuenta de ${service}`,
    before: [
      `Su cuenta de ${service} se eliminó el ${at}, tal como pidió alguien que tenía la sesión abierta y conocía la contraseña.`,
      `Si fue usted, no tiene que hacer nada. Si no, abra este enlace e introduzca allí la dirección ${to}:`,
    ],
    button: 'No fui yo',
    after: [
      `Así se recupera la cuenta, ${to} pasa a ser su dirección, la contraseña queda bloqueada hasta que usted elija otra y le enviamos un enlace para elegirla. El enlace funciona una sola vez y es válido durante ${validFor} desde el envío de este mensaje. Después, la cuenta no se puede recuperar.`,
      'Puede volver a registrarse con esta dirección cuando quiera. Será una cuenta nueva y vacía, y la anterior ya no se podrá recuperar.',
    ],
    reason: `Este mensaje se envió a ${to} porque es o era la dirección de esta cuenta.`,
    notYou:
      'Si no fue usted, no espere: otra persona conocía su contraseña. Cámbiela en todos los demás sitios donde la use.',
  }),
}
