import type { PageWords } from '../en/pages.ts'

/** Croatian, with „Vi”. The service's name stands beside „usluga”, which takes the case endings for it. */
export const pages: PageWords = {
  skip: 'Prijeđi na sadržaj',
  navigation: 'Račun',
  language: 'Jezik',
  needsScript: 'Ovoj stranici treba JavaScript, a Vaš ga preglednik ovdje ne izvršava.',
  noScriptHelp: 'Dopustite JavaScript za ovo web-mjesto i ponovno učitajte stranicu.',
  notWhole: 'Ova stranica nije se učitala do kraja. Ako ova poruka ostane, ponovno učitajte stranicu.',
  email: 'Adresa e\u2011pošte',
  password: 'Lozinka',
  newPassword: 'Nova lozinka',
  repeatPassword: 'Ponovite lozinku',
  currentPassword: 'Trenutačna lozinka',
  showPassword: 'Prikaži',
  passwordHint: minimum =>
    `Najmanji broj znakova: ${minimum}. Nekoliko nasumičnih riječi čini dobru lozinku.`,
  logIn: 'Prijava',
  logOut: 'Odjava',
  register: 'Registracija',
  account: 'Moj račun',
  forgot: 'Zaboravili ste lozinku?',
  cancel: 'Odustani',

  home: {
    title: service => `Vaš račun za uslugu ${service}`,
    lead: 'Registrirajte se, prijavite se, uredite svoj račun ili odaberite novu lozinku ako ste svoju zaboravili.',
    registerText: 'Prvi ste put ovdje? Treba Vam samo adresa e\u2011pošte.',
    logInText: 'Imate račun i znate svoju lozinku.',
    forgotTitle: 'Zaboravili ste lozinku?',
    forgotText: 'Poslat ćemo Vam poveznicu za odabir nove.',
    accountText: 'Uređaji, lozinka, adresa e\u2011pošte, povijest i Vaši podaci.',
  },

  registration: {
    title: 'Registracija',
    lead: 'Upišite adresu e\u2011pošte. Poslat ćemo Vam poveznicu kojom potvrđujete adresu i birate lozinku.',
    submit: 'Registriraj me',
    haveAccount: 'Već imate račun?',
    sentTitle: 'Provjerite svoju e\u2011poštu',
    sentLead: 'Ako se ova adresa može registrirati, upravo smo poslali poruku na adresu:',
    again: 'Pošalji ponovno',
    another: 'Upotrijebi drugu adresu',
    doneTitle: 'Vaš je račun spreman',
    doneLead: 'Sada se možete prijaviti svojom lozinkom.',
  },

  login: {
    title: 'Prijava',
    noAccount: 'Još nemate račun?',
    offer: 'Registrirali ste se, ali niste potvrdili adresu e\u2011pošte? Možemo Vam ponovno poslati poruku.',
    unconfirmedTitle: 'Najprije potvrdite adresu e\u2011pošte',
    unconfirmedLead:
      'Za dovršetak registracije otvorite poveznicu iz naše poruke. Možemo je ponovno poslati na adresu:',
    resend: 'Ponovno pošalji poruku',
  },

  confirmation: {
    title: 'Potvrdite adresu e\u2011pošte',
    lead: 'Odaberite lozinku. Time potvrđujete adresu i odmah ste prijavljeni.',
    forAddress: 'Račun je za ovu adresu:',
    submit: 'Potvrdi i prijavi me',
    caution:
      'To nije Vaša adresa ili se niste registrirali? Zatvorite ovu stranicu. Dok ne postavite lozinku, račun se ne otvara.',
    doneTitle: 'Vaša je adresa e\u2011pošte potvrđena',
    doneLead:
      'Lozinka je postavljena, ali niste prijavljeni jer Vaš preglednik blokira kolačiće ili podatke ovog web-mjesta. Dopustite oboje pa se prijavite.',
    staleTitle: 'Ova poveznica više ne vrijedi',
    staleLead: 'Već ste potvrdili adresu? Tada se samo prijavite. Ako niste, zatražite novu poveznicu.',
    missingTitle: 'Potvrdite adresu e\u2011pošte',
    missingLead:
      'Ako ste otvorili poveznicu iz naše poruke, nije stigla cijela. Upišite adresu e\u2011pošte. Poslat ćemo Vam novu poveznicu i kôd koji možete upisati ovdje.',
    resend: 'Pošalji mi novu poveznicu',
    resentTitle: 'Provjerite svoju e\u2011poštu',
    resentLead: 'Ako ova adresa čeka potvrdu, upravo smo poslali poruku na adresu:',
    resentNext:
      'Otvorite poveznicu iz poruke i odaberite lozinku. Ako poruku čitate na drugom uređaju, umjesto toga ovdje upišite kôd iz nje:',
    otherwise: 'Još se niste registrirali?',
  },

  /** In place of the same words of the confirmation. */
  invitation: {
    title: 'Pozvani ste',
    lead: 'Odaberite lozinku. Time je adresa potvrđena, a Vi prijavljeni.',
    submit: 'Prihvati i prijavi me',
    caution: 'To nije Vaša adresa? Tada zatvorite ovu stranicu.',
  },

  forgotten: {
    title: 'Zaboravili ste lozinku?',
    lead: 'Upišite adresu e\u2011pošte svojeg računa. Poslat ćemo Vam poveznicu za odabir nove lozinke.',
    submit: 'Pošalji mi poveznicu',
    remembered: 'Ipak ste je se sjetili?',
    sentTitle: 'Provjerite svoju e\u2011poštu',
    sentLead: 'Ako za ovu adresu postoji račun, upravo smo poslali poruku na adresu:',
    sentNext:
      'Otvorite poveznicu iz poruke. Ako poruku čitate na drugom uređaju, umjesto toga ovdje upišite kôd iz nje:',
    code: 'Kôd iz poruke',
    codeHint: 'Osam znamenaka, iz najnovije poruke.',
    submitCode: 'Postavi novu lozinku',
    missing: 'Ni nakon minute nema poruke? Pogledajte i među neželjenom poštom.',
    again: 'Počni ispočetka',
  },

  reset: {
    title: 'Odaberite novu lozinku',
    checking: 'Provjeravamo Vašu poveznicu…',
    forAddress: 'Za Vaš račun s ovom adresom:',
    afterwards: 'Nakon toga svi su uređaji odjavljeni, a Vi se prijavljujete novom lozinkom.',
    submit: 'Postavi novu lozinku',
    retry: 'Pokušaj ponovno',
    staleTitle: 'Ova poveznica više ne vrijedi',
    staleLead: 'Upišite adresu e\u2011pošte i poslat ćemo Vam novu.',
    missingTitle: 'Odaberite novu lozinku',
    missingLead:
      'Ako ste otvorili poveznicu iz naše poruke, nije stigla cijela. Upišite adresu e\u2011pošte svojeg računa. Poslat ćemo Vam novu poveznicu i kôd koji možete upisati ovdje.',
  },

  emailChange: {
    title: 'Potvrdite novu adresu e\u2011pošte',
    lead: 'Upišite lozinku svojeg računa. Nakon toga prijavljujete se ovom adresom:',
    submit: 'Potvrdi novu adresu',
    caution: 'Niste to zatražili? Zatvorite ovu stranicu i ništa se neće promijeniti.',
    staleTitle: 'Ova poveznica više ne vrijedi',
    staleLead: 'Novu možete zatražiti u svojem računu.',
    missingLead:
      'Ako ste otvorili poveznicu iz naše poruke, nije stigla cijela. U svojem računu, ondje gdje ste zatražili promjenu, upišite kôd iz poruke ili zatražite novu poruku.',
    takenTitle: 'Za ovu adresu već postoji račun',
    takenLead: 'Netko ju je u međuvremenu registrirao. Vaš račun zadržava dosadašnju adresu.',
    doneTitle: 'Vaša je adresa e\u2011pošte promijenjena',
    doneLead: 'Odsad se prijavljujte novom adresom. Na nju stižu i naše poruke.',
  },

  secure: {
    title: 'Zaštitite svoj račun',
    lead: 'Onemogućite pristup osobi koja je to učinila. Upišite adresu e\u2011pošte na koju je poslana naša obavijest.',
    whatHappens: 'Kad pritisnete gumb:',
    effects: [
      'Svi se uređaji odmah odjavljuju.',
      'Trenutačna lozinka više ne vrijedi, tko god da ju je postavio.',
      'Ako je adresa e\u2011pošte promijenjena, vraća se stara.',
      'Šaljemo Vam poveznicu za odabir nove lozinke.',
    ],
    submit: 'Zaštiti moj račun',
    doneTitle: 'Vaš je račun zaštićen',
    doneLead:
      'Svi su uređaji odjavljeni, a stara lozinka više ne vrijedi. Upravo smo poslali poruku na adresu:',
    doneNext: 'Otvorite poveznicu iz nje i odaberite novu lozinku kojom se nigdje drugdje ne služite.',
    staleTitle: 'To nije uspjelo',
    staleLead: 'Ili ste upisali drugu adresu, a ne onu na koju je poslana naša obavijest.',
    tryAgain: 'Ponovno upiši adresu',
    resetInstead: 'Odaberi novu lozinku',
    missingTitle: 'Zaštitite svoj račun',
    missingLead:
      'Ako ste otvorili poveznicu iz naše obavijesti, nije stigla cijela. Kopirajte je cijelu iz poruke u adresnu traku. Ako to ne pomogne, odaberite novu lozinku: i time se odjavljuju svi uređaji.',
  },

  me: {
    title: 'Moj račun',
    loading: 'Učitavamo Vaš račun…',
    failedTitle: 'Vaš se račun trenutačno ne može prikazati',
    retry: 'Pokušaj ponovno',
    you: 'Profil',
    address: 'E\u2011pošta',
    confirmed: 'Potvrđena',
    since: 'Račun od',
    passwordSince: 'Lozinka od',
    security: 'Lozinka i e\u2011pošta',
    changePassword: 'Promjena lozinke',
    passwordStep1: 'Upišite trenutačnu lozinku. Zatim ćemo Vam e\u2011poštom poslati kôd.',
    sendCode: 'Pošalji mi kôd',
    passwordStep2:
      'E\u2011poštom smo Vam poslali kôd od šest znamenaka. Upišite ga ovdje zajedno s novom lozinkom.',
    code: 'Kôd iz poruke',
    codeHint: 'Šest znamenaka.',
    setPassword: 'Promijeni moju lozinku',
    setPasswordNote: 'Nakon toga bit će odjavljeni svi uređaji, i ovaj.',
    changeEmail: 'Promjena adrese e\u2011pošte',
    newEmail: 'Nova adresa e\u2011pošte',
    emailNote:
      'Na novu adresu šaljemo poveznicu i kôd. Dok jedno od toga ne upotrijebite, ništa se ne mijenja.',
    emailStep2:
      'Ako je nova adresa slobodna, upravo smo na nju poslali poruku. Otvorite poveznicu iz nje ili ovdje upišite njezin kôd:',
    sendLink: 'Pošalji poruku',
    devices: 'Uređaji',
    devicesLead: 'Gdje ste sada prijavljeni.',
    logOutOthers: 'Odjavi sve ostale uređaje',
    mails: 'Jezik naših poruka',
    language: 'Jezik',
    languageDefault: 'Zadano (engleski)',
    save: 'Spremi',
    history: 'Povijest',
    historyLead: 'Što se događalo s Vašim računom, najnovije najprije.',
    more: 'Prikaži još',
    data: 'Vaši podaci',
    exportText: 'Sve što o Vama čuvamo, u jednoj JSON datoteci.',
    exportButton: 'Preuzmi moje podatke',
    deleteTitle: 'Brisanje računa',
    deleteText:
      'Račun se odmah briše i svi se uređaji odjavljuju. Vratiti ga može samo poveznica „To nisam ja” u nekoj našoj ranijoj poruci, dok vrijedi.',
    typeEmail: 'Za potvrdu upišite svoju adresu e\u2011pošte',
    deleteButton: 'Izbriši moj račun',
  },

  error: {
    notFoundTitle: 'Ova stranica ne postoji',
    notFoundLead: 'Adresa je možda pogrešno upisana ili je stranica uklonjena.',
    home: 'Na početnu stranicu',
    waitTitle: 'Pričekajte trenutak',
    waitLead: wait => `Iz Vaše je mreže stiglo previše zahtjeva. Učitajte stranicu ponovno za: ${wait}.`,
    failedTitle: 'To nije uspjelo',
    failedLead: 'Nešto je kod nas pošlo po krivu. Učitajte stranicu ponovno za koji trenutak.',
  },
}
