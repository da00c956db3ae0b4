import type { PolicyToPublish } from '../support/policy-pages.js';

/** A privacy policy as an operator might publish it: three versions in English, the later two in German as well. */
export const privacyPolicy: PolicyToPublish = {
  name: 'Privacy policy',
  versions: [
    {
      version: '1.0',
      at: '2024-05-25T00:00:00Z',
      texts: {
        en: `
<p>This policy says which data we keep about you when you play with us, what we do with it, and what you can ask of us.</p>
<h2>1. What we keep</h2>
<ul><li>your name, address and date of birth</li><li>what you deposit, stake and win</li></ul>
<h2>2. How long we keep it</h2>
<p>We keep your data for ten years after your account is closed.</p>
<h2>3. Marketing</h2>
<p>We may write to you by email about our products.</p>`,
      },
    },
    {
      version: '2.0',
      at: '2025-03-01T00:00:00Z',
      texts: {
        en: `
<p>This policy says which data we keep about you when you play with us, what we do with it, and what you can ask of us.</p>
<h2>1. What we keep</h2>
<ul><li>your name, address and date of birth</li><li>what you deposit, stake and win</li><li>how you verified your identity</li></ul>
<h2>2. How long we keep it</h2>
<p>We keep your data for five years after your account is closed.</p>
<h2>3. Marketing</h2>
<p>We write to you only if you have agreed to it, and only about the products that you chose.</p>`,
        de: `
<h1>Datenschutzerklärung</h1>
<p>Hier steht, welche Daten wir über Sie speichern, wenn Sie bei uns spielen, was wir damit tun und was Sie von uns verlangen können.</p>
<h2>1. Was wir speichern</h2>
<ul><li>Ihren Namen, Ihre Anschrift und Ihr Geburtsdatum</li><li>Ihre Einzahlungen, Einsätze und Gewinne</li><li>wie Sie Ihre Identität nachgewiesen haben</li></ul>
<h2>2. Wie lange wir es speichern</h2>
<p>Wir speichern Ihre Daten fünf Jahre über die Schließung Ihres Kontos hinaus.</p>
<h2>3. Werbung</h2>
<p>Wir schreiben Ihnen nur, wenn Sie eingewilligt haben, und nur zu den Produkten, die Sie gewählt haben.</p>`,
      },
    },
    {
      version: '2.1',
      at: '2026-02-01T08:00:00Z',
      texts: {
        en: `
<p>This policy says which data we keep about you when you play with us, why we keep it, and what you can ask of us.</p>
<h2>1. What we keep</h2>
<table><thead><tr><th scope="col">What</th><th scope="col">Why</th></tr></thead><tbody>
<tr><td>your name, address and date of birth</td><td>the law asks us to know who you are</td></tr>
<tr><td>what you deposit, stake and win</td><td>to run your account, and to protect you from harm</td></tr></tbody></table>
<h2>2. How long we keep it</h2>
<p>We keep your data for five years after your account is closed. After that we delete it.</p>
<h2>3. Marketing</h2>
<p>We write to you only if you have agreed to it, and only about the products that you chose. You can change your mind at any time.</p>
<h2>4. Questions</h2>
<p>Write to <a href="mailto:privacy@demo.example">privacy@demo.example</a>. You can also complain to the
<a href="https://ico.example/complaints">Information Commissioner</a>.</p>`,
        de: `
<h1>Datenschutzerklärung</h1>
<p>Hier steht, welche Daten wir über Sie speichern, wenn Sie bei uns spielen, warum wir es tun und was Sie von uns verlangen können.</p>
<h2>1. Was wir speichern</h2>
<table><thead><tr><th scope="col">Was</th><th scope="col">Warum</th></tr></thead><tbody>
<tr><td>Ihren Namen, Ihre Anschrift und Ihr Geburtsdatum</td><td>das Gesetz verlangt, dass wir Sie kennen</td></tr>
<tr><td>Ihre Einzahlungen, Einsätze und Gewinne</td><td>um Ihr Konto zu führen und Sie vor Schaden zu bewahren</td></tr></tbody></table>
<h2>2. Wie lange wir es speichern</h2>
<p>Wir speichern Ihre Daten fünf Jahre über die Schließung Ihres Kontos hinaus. Danach löschen wir sie.</p>
<h2>3. Werbung</h2>
<p>Wir schreiben Ihnen nur, wenn Sie eingewilligt haben, und nur zu den Produkten, die Sie gewählt haben. Sie können es sich jederzeit anders überlegen.</p>
<h2>4. Fragen</h2>
<p>Schreiben Sie an <a href="mailto:datenschutz@demo.example">datenschutz@demo.example</a>.</p>`,
      },
    },
  ],
};
