// openid-client, as its documentation uses it.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { person, ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT, RESOURCE } from './ask.mjs';

const authentication = {
  client_secret_basic: () => client.ClientSecretBasic(CLIENT_SECRET),
  client_secret_post: () => client.ClientSecretPost(CLIENT_SECRET),
  none: () => client.None(),
}[METHOD]();
const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };

async function signIn(config, push, redirect = REDIRECT) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState(), expectedNonce = client.randomNonce();
  const parameters = {
    redirect_uri: redirect, scope: 'openid profile orders:read', state: expectedState, nonce: expectedNonce, resource: RESOURCE, max_age: '3600',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  };
  const build = push ? client.buildAuthorizationUrlWithPAR : client.buildAuthorizationUrl;
  const back = await person(await build(config, parameters));
  return client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 3600 }, { resource: RESOURCE });
}

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, { token_endpoint_auth_method: METHOD }, authentication, options);
for (const push of [false, true]) {
  const tokens = await signIn(config, push);
  assert.equal(tokens.token_type, 'bearer');
  assert.equal(tokens.claims().sub, 'user/ada');
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(info.name, 'Name of ada');

  const next = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid orders:read' });
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.scope, 'openid orders:read');

  if (METHOD !== 'none') {
    const state = await client.tokenIntrospection(config, next.access_token);
    assert.equal(state.active, true);
    assert.equal(state.client_id, CLIENT_ID);
  }
  await client.tokenRevocation(config, next.refresh_token);
  if (METHOD !== 'none') assert.deepEqual(await client.tokenIntrospection(config, next.access_token), { active: false });
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), e => e instanceof client.ResponseBodyError && e.error === 'invalid_grant' && e.status === 400);
}
await assert.rejects(client.clientCredentialsGrant(config, {}), e => e instanceof client.ResponseBodyError && e.error === 'unauthorized_client');

// An app that registers itself, at a host where no declared client is.
const home = 'https://own.example/callback';
const own = await client.dynamicClientRegistration(new URL(ISSUER), { redirect_uris: [home], client_name: 'Registered by openid-client', token_endpoint_auth_method: 'none', response_types: ['code'] }, client.None(), options);
assert.equal((await signIn(own, false, home)).claims().aud, own.clientMetadata().client_id);
