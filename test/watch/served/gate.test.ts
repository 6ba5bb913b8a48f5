/** Who gets what of the server. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostsOf, refusal, targetOf } from '../../../watch/served/gate.ts';
import { answerTo } from '../../../watch/served/http.ts';

const gate = { token: 'a-token-of-ours', hosts: hostsOf('127.0.0.1', 4711) };
const asking = { url: '/?token=a-token-of-ours', host: '127.0.0.1:4711', origin: undefined };

describe('the gate', () => {
  test('knows the names of its address', () => {
    assert.deepEqual(gate.hosts, ['127.0.0.1:4711', 'localhost:4711']);
    assert.deepEqual(hostsOf('::1', 80), ['[::1]', '[::1]:80', 'localhost', 'localhost:80']);
    assert.deepEqual(hostsOf('192.0.2.7', 1), ['192.0.2.7:1']);
  });

  test('lets in who has the link', () => {
    assert.equal(refusal(gate, asking, true), undefined);
    assert.equal(refusal(gate, { ...asking, host: 'LOCALHOST:4711' }, true), undefined);
    assert.equal(refusal(gate, { ...asking, origin: 'http://localhost:4711' }, true), undefined);
    assert.equal(refusal(gate, { ...asking, url: '/page.js' }, false), undefined);
  });

  test('and nobody else', () => {
    const wrong = [
      { host: undefined },
      { host: 'evil.example:4711' },
      { host: '127.0.0.1' },
      { host: '127.0.0.1:4711.evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'http://127.0.0.1' },
      { origin: 'https://127.0.0.1:4711' },
      { url: '/' },
      { url: '/?token=' },
      { url: '/?token=a-token-of-our' },
      { url: '/?token=a-token-of-ours2' },
      { url: '/?Token=a-token-of-ours' },
    ];
    for (const one of wrong) assert.equal(refusal(gate, { ...asking, ...one }, true)?.status, 403, JSON.stringify(one));
    assert.equal(refusal(gate, { ...asking, url: 'http://evil.example/' }, false)?.status, 400);
  });

  test('reads a target, and takes what is none for none', () => {
    assert.equal(targetOf('/page?x=1')?.pathname, '/page');
    assert.equal(targetOf('/../../etc/passwd')?.pathname, '/etc/passwd');
    assert.equal(targetOf('*'), undefined);
    assert.equal(targetOf(''), undefined);
  });
});

describe('the files', () => {
  const file = (text: string) => ({ type: 'text/html', bytes: new TextEncoder().encode(text) });
  const page = new Map([
    ['index.html', file('page')],
    ['page.js', file('script')],
  ]);
  const statusOf = (url: string, stately = false, method = 'GET') =>
    answerTo(gate, { page, stately }, method, { ...asking, url }).status;

  test('the page needs the token, its scripts do not', () => {
    assert.equal(statusOf('/?token=a-token-of-ours'), 200);
    assert.equal(statusOf('/index.html'), 403);
    assert.equal(statusOf('/'), 403);
    assert.equal(statusOf('/page.js'), 200);
    assert.equal(statusOf('/page.js', false, 'POST'), 405);
    assert.equal(statusOf('/other.js'), 404);
  });

  test('the bridge is there for who asked for it', () => {
    assert.equal(statusOf('/stately?token=a-token-of-ours'), 404);
    assert.equal(statusOf('/stately?token=a-token-of-ours', true), 200);
    assert.equal(statusOf('/stately', true), 403);
    assert.equal(statusOf('/stately.js', true), 200);
  });

  test('a page that is missing is told', () => {
    const { status, body } = answerTo(gate, { page: new Map(), stately: false }, 'GET', asking);
    assert.equal(status, 404);
    assert.match(String(body), /the folder "page" is missing/);
  });
});
