// A browser-only app: no server of its own but for these files, no library. It
// knows its client id and its issuer, and finds out the rest.
const { issuer, client_id, scope } = await (await fetch('config.json')).json();
const redirect_uri = location.origin + '/';
const say = text => { document.querySelector('h1').textContent = text; };

const base64url = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

async function post(url, form) {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ client_id, ...form }) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

async function begin(server) {
  const verifier = random(), state = random();
  sessionStorage.setItem('pending', JSON.stringify({ verifier, state }));
  const code_challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  location.assign(server.authorization_endpoint + '?' + new URLSearchParams({
    response_type: 'code', client_id, redirect_uri, scope, state, code_challenge, code_challenge_method: 'S256',
  }));
}

async function finish(server, answer) {
  const { verifier, state } = JSON.parse(sessionStorage.getItem('pending'));
  if (answer.get('state') !== state || answer.get('iss') !== server.issuer) throw new Error('not our answer');
  history.replaceState(null, '', '/');
  const result = {};
  result.token = await post(server.token_endpoint, { grant_type: 'authorization_code', code: answer.get('code'), redirect_uri, code_verifier: verifier });
  const userinfo = await fetch(server.userinfo_endpoint, { headers: { Authorization: 'Bearer ' + result.token.access_token } });
  result.userinfo = await userinfo.json();
  result.refreshed = await post(server.token_endpoint, { grant_type: 'refresh_token', refresh_token: result.token.refresh_token });
  result.revoked = await post(server.revocation_endpoint, { token: result.refreshed.refresh_token });
  // An error, and what a 401 says of itself, can be read too.
  result.after = await post(server.token_endpoint, { grant_type: 'refresh_token', refresh_token: result.refreshed.refresh_token });
  const refused = await fetch(server.userinfo_endpoint, { headers: { Authorization: 'Bearer ' + result.refreshed.access_token } });
  result.challenge = refused.headers.get('WWW-Authenticate');
  result.keys = (await (await fetch(server.jwks_uri)).json()).keys.length;
  window.result = result;
  say('Done');
}

try {
  const server = await (await fetch(issuer + '/.well-known/openid-configuration')).json();
  if (server.issuer !== issuer) throw new Error('the metadata is of ' + server.issuer);
  window.server = server;
  const answer = new URLSearchParams(location.search);
  if (answer.has('code')) await finish(server, answer);
  else if (location.hash === '#stay') say('Discovered');
  else await begin(server);
} catch (e) {
  say('Failed: ' + e);
}
