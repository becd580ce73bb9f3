import type { Mails } from '../mail-words.ts'
import { browser } from './browser.ts'

const securing =
  'Time se odjavljuju svi uređaji, lozinka se blokira dok ne postavite novu, a mi Vam šaljemo poveznicu za to.'

/** Nakon koda uz poveznicu. */
const eitherOne = 'Dovoljna je poveznica ili kôd, ne treba Vam oboje. Istječu istodobno.'

/**
 * Croatian, with „Vi”. The service's name stands beside „usluga”, which takes the case endings for it, and a
 * duration stands after a colon, in the nominative that it comes in.
 */
export const mails: Mails = {
  greeting: 'Dobar dan!',
  linkHint: 'Ako gumb ne radi, kopirajte ovu poveznicu u preglednik:',
  unknownDevice: 'nepoznat',

  confirm_address: ({ service, to, validFor }) => ({
    subject: `Potvrdite adresu e-pošte za uslugu ${service}`,
    before: [
      `Da biste dovršili registraciju za uslugu ${service}, otvorite ovu poveznicu i odaberite lozinku:`,
    ],
    button: 'Potvrdi adresu e-pošte',
    beforeCode:
      'Jeste li se registrirali na mobitelu ili drugom uređaju? Umjesto toga ondje upišite ovaj kôd:',
    afterCode: eitherOne,
    after: [`Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}.`],
    reason: `Ova je poruka poslana na ${to} jer je netko, vjerojatno Vi, tu adresu registrirao za uslugu ${service}.`,
    notYou:
      'Ako to niste bili Vi, zanemarite ovu poruku. Ne postavljajte lozinku i nikome ne prosljeđujte ni poveznicu ni kôd, tko god ih tražio. Dok adresa nije potvrđena, račun se ne otvara.',
  }),

  already_registered: ({ service, to }) => ({
    subject: `Već imate račun za uslugu ${service}`,
    before: [
      `Netko, možda Vi, pokušao je registrirati ${to} za uslugu ${service}. Račun s tom adresom već postoji i na njemu ništa nije promijenjeno.`,
      'Možete se prijaviti svojom lozinkom. Ako ste je zaboravili, ovdje odaberite novu:',
    ],
    button: 'Postavi novu lozinku',
    after: [],
    reason: `Ova je poruka poslana na ${to} jer je to adresa računa za uslugu ${service}.`,
    notYou:
      'Ako to niste bili Vi, ne trebate ništa činiti. Onome tko je to pokušao nije rečeno da račun postoji.',
  }),

  reset_password: ({ service, to, validFor }) => ({
    subject: `Postavite novu lozinku za uslugu ${service}`,
    before: [`Da biste odabrali novu lozinku za račun u usluzi ${service}, otvorite ovu poveznicu:`],
    button: 'Odaberi novu lozinku',
    beforeCode:
      'Jeste li novu lozinku zatražili na mobitelu ili drugom uređaju? Umjesto toga ondje upišite ovaj kôd:',
    afterCode: eitherOne,
    after: [
      `Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Kad postavite novu lozinku, svi će uređaji biti odjavljeni.`,
    ],
    reason: `Ova je poruka poslana na ${to} jer je netko, vjerojatno Vi, zatražio novu lozinku za ovaj račun.`,
    notYou:
      'Ako to niste bili Vi, zanemarite ovu poruku: Vaša lozinka ostaje ista. Nikome ne prosljeđujte ni poveznicu ni kôd, tko god ih tražio: dovoljno je jedno od toga da netko preuzme Vaš račun.',
  }),

  password_change_code: ({ service, to, validFor }) => ({
    subject: `Vaš kôd za promjenu lozinke za uslugu ${service}`,
    before: [
      `Netko tko je prijavljen u Vaš račun za uslugu ${service} i zna lozinku zatražio je njezinu promjenu. Za nastavak upišite ovaj kôd ondje gdje ste zatražili promjenu:`,
    ],
    after: [
      `Kôd vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Nikome ga ne prosljeđujte, tko god ga tražio.`,
      'Kad promijenite lozinku, svi će uređaji biti odjavljeni.',
    ],
    reason: `Ova je poruka poslana na ${to} jer je netko, vjerojatno Vi, zatražio promjenu lozinke ovog računa.`,
    notYou:
      'Ako to niste bili Vi, netko drugi zna Vašu lozinku: odmah postavite novu, kao da ste je zaboravili. Kad je postavite, svi će uređaji biti odjavljeni, a ovaj kôd više neće vrijediti.',
  }),

  password_changed: ({ service, to, at }) => ({
    subject: `Vaša lozinka za uslugu ${service} je promijenjena`,
    before: [
      `Lozinka Vašeg računa za uslugu ${service} promijenjena je ${at} i svi su uređaji odjavljeni.`,
      `Ako ste to bili Vi, ne trebate ništa činiti. Ako niste, najprije zaštitite svoj sandučić e-pošte jer onaj tko je promijenio lozinku možda može čitati Vašu poštu. Zatim otvorite ovu poveznicu i ondje upišite adresu ${to}:`,
    ],
    button: 'To nisam ja',
    after: [securing],
    reason: `Ova je poruka poslana na ${to} jer je to adresa ovog računa.`,
    notYou:
      'Ako to niste bili Vi, ne čekajte: dok nešto ne poduzmete, netko se drugi može služiti Vašim računom.',
  }),

  change_email: ({ service, to, validFor }) => ({
    subject: `Potvrdite novu adresu e-pošte za uslugu ${service}`,
    before: [
      `Netko, vjerojatno Vi, želi da ${to} postane adresa e-pošte računa za uslugu ${service}. Da biste to potvrdili, otvorite ovu poveznicu i upišite lozinku tog računa:`,
    ],
    button: 'Potvrdi novu adresu',
    beforeCode:
      'Je li Vaš račun otvoren na mobitelu ili drugom uređaju? Umjesto toga ondje gdje ste zatražili promjenu upišite ovaj kôd:',
    afterCode: eitherOne,
    after: [
      `Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Do potvrde račun zadržava dosadašnju adresu.`,
    ],
    reason: `Ova je poruka poslana na ${to} jer netko tu adresu želi upotrebljavati za račun u usluzi ${service}.`,
    notYou:
      'Ako to niste bili Vi, zanemarite ovu poruku. Ne upisujte nikakvu lozinku i nikome ne prosljeđujte ni poveznicu ni kôd, tko god ih tražio. Bez potvrde se adresa neće upotrebljavati.',
  }),

  email_change_requested: ({ service, to, newEmail, at }) => ({
    subject: `Zatražena je nova adresa e-pošte za uslugu ${service}`,
    before: [
      `Netko tko je prijavljen u Vaš račun za uslugu ${service} i zna lozinku zatražio je ${at} da se adresa e-pošte računa promijeni u ${newEmail}. Još ništa nije promijenjeno: nova se adresa najprije mora potvrditi.`,
      `Ako ste to bili Vi, ovdje ne trebate ništa činiti. Ako niste, otvorite ovu poveznicu i ondje upišite adresu ${to}:`,
    ],
    button: 'To nisam ja',
    after: [`${securing} Nova se adresa tada više neće moći potvrditi.`],
    reason: `Ova je poruka poslana na ${to} jer je to adresa ovog računa.`,
    notYou: 'Ako to niste bili Vi, ne čekajte: netko drugi zna Vašu lozinku.',
  }),

  email_changed: ({ service, to, newEmail, at }) => ({
    subject: `Vaša adresa e-pošte za uslugu ${service} je promijenjena`,
    before: [
      `Adresa e-pošte Vašeg računa za uslugu ${service} promijenjena je ${at} u ${newEmail}. Odsad se prijavljujte novom adresom; na nju se šalju i poruke o računu.`,
      `Ako ste to bili Vi, ne trebate ništa činiti. Ako niste, otvorite ovu poveznicu i ondje upišite adresu ${to}:`,
    ],
    button: 'To nisam ja',
    after: [`${securing} Uz to ${to} ponovno postaje adresa računa.`],
    reason: `Ova je poruka poslana na ${to} jer je to dotad bila adresa ovog računa.`,
    notYou: 'Ako to niste bili Vi, ne čekajte: netko drugi ima pristup Vašem računu.',
  }),

  new_device: ({ service, to, device, ip, at }) => ({
    subject: `Prijava u uslugu ${service} s novog uređaja`,
    before: [
      `Netko se ${at} prijavio u Vaš račun za uslugu ${service} s uređaja koji dosad nismo poznavali.`,
      `Uređaj: ${browser.device(device)}`,
      ...(ip === null ? [] : [`IP-adresa: ${ip}`]),
      `Ako ste to bili Vi, ne trebate ništa činiti. Ako niste, otvorite ovu poveznicu i ondje upišite adresu ${to}:`,
    ],
    button: 'To nisam ja',
    after: [securing],
    reason: `Ova je poruka poslana na ${to} jer je to adresa ovog računa.`,
    notYou: 'Ako to niste bili Vi, ne čekajte: netko drugi zna Vašu lozinku.',
  }),

  account_secured: ({ service, to, validFor }) => ({
    subject: `Vaš račun za uslugu ${service} je zaštićen`,
    before: [
      `Vaš račun za uslugu ${service} je zaštićen: svi su uređaji odjavljeni, a stara lozinka više ne vrijedi. Da biste odabrali novu, otvorite ovu poveznicu:`,
    ],
    button: 'Odaberi novu lozinku',
    after: [
      `Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Nakon toga ponovno zatražite novu lozinku.`,
      'Odaberite lozinku kojom se nigdje drugdje ne služite i nikome ne prosljeđujte poveznicu.',
    ],
    reason: `Ova je poruka poslana na ${to} jer je netko, vjerojatno Vi, na obavijest o ovom računu odgovorio „To nisam ja”.`,
    notYou:
      'Ako to niste bili Vi, netko drugi možda čita Vašu poštu: zaštitite svoj sandučić, a zatim svejedno odaberite novu lozinku.',
  }),

  invitation: ({ service, to, validFor }) => ({
    subject: `Pozivnica za uslugu ${service}`,
    before: [
      `Račun za uslugu ${service} čeka da ga Vi preuzmete. Da biste odabrali lozinku i prijavili se, otvorite ovu poveznicu:`,
    ],
    button: 'Prihvati pozivnicu',
    after: [`Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}.`],
    reason: `Ova je poruka poslana na ${to} jer je netko tko vodi uslugu ${service} pozvao ovu adresu.`,
    notYou:
      'Ako ne očekujete pozivnicu, zanemarite ovu poruku. Nikome ne prosljeđujte poveznicu, tko god je tražio.',
  }),

  reset_required: ({ service, to, validFor }) => ({
    subject: `Odaberite novu lozinku za uslugu ${service}`,
    before: [
      `Oni koji vode uslugu ${service} traže da Vi odaberete novu lozinku. Stara više ne vrijedi, a svi su uređaji odjavljeni. Da biste odabrali novu, otvorite ovu poveznicu:`,
    ],
    button: 'Odaberi novu lozinku',
    after: [
      `Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Nakon toga ponovno zatražite novu lozinku.`,
    ],
    reason: `Ova je poruka poslana na ${to} jer je to adresa računa za uslugu ${service}.`,
    notYou:
      'Odaberite lozinku kojom se nigdje drugdje ne služite i nikome ne prosljeđujte poveznicu, tko god je tražio.',
  }),

  farewell: ({ service, to }) => ({
    subject: `Vaš račun za uslugu ${service} je izbrisan`,
    before: [
      `Vaš račun za uslugu ${service} i sve što mu je pripadalo izbrisani su na zahtjev nekoga tko je bio prijavljen i znao lozinku.`,
      'S ovom se adresom možete ponovno registrirati kad god želite. Tako nastaje nov, prazan račun.',
    ],
    after: [],
    reason: `Ova je poruka poslana na ${to} jer je to bila adresa ovog računa.`,
    notYou: `Ako to niste bili Vi, netko je drugi znao Vašu lozinku: promijenite je svugdje gdje je još upotrebljavate i pišite onima koji vode uslugu ${service}. Poveznica „To nisam ja” u nekoj našoj ranijoj poruci vraća račun dok vrijedi; bez nje se račun ne može vratiti.`,
  }),

  account_deleted: ({ service, to, at, validFor }) => ({
    subject: `Vaš račun za uslugu ${service} je izbrisan`,
    before: [
      `Vaš račun za uslugu ${service} izbrisan je ${at} na zahtjev nekoga tko je bio prijavljen i znao lozinku.`,
      `Ako ste to bili Vi, ne trebate ništa činiti. Ako niste, otvorite ovu poveznicu i ondje upišite adresu ${to}:`,
    ],
    button: 'To nisam ja',
    after: [
      `Time se račun vraća, ${to} postaje njegova adresa, lozinka se blokira dok ne postavite novu, a mi Vam šaljemo poveznicu za to. Poveznica vrijedi samo jednom. Rok valjanosti od slanja ove poruke: ${validFor}. Nakon toga račun se ne može vratiti.`,
      'S ovom se adresom možete ponovno registrirati kad god želite. Tako nastaje nov, prazan račun, a stari se tada više ne može vratiti.',
    ],
    reason: `Ova je poruka poslana na ${to} jer to jest ili je bila adresa ovog računa.`,
    notYou:
      'Ako to niste bili Vi, ne čekajte: netko je drugi znao Vašu lozinku. Promijenite je svugdje gdje je još upotrebljavate.',
  }),
}
