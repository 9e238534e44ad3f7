// oauth4webapi, step by step: it checks every answer against the RFCs.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { person, ISSUER, CLIENT_ID, CLIENT_SECRET, METHOD, REDIRECT, RESOURCE, OTHER } from './ask.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(ISSUER);
for (const algorithm of ['oidc', 'oauth2']) {
  await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }));
}
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
const client = { client_id: CLIENT_ID, token_endpoint_auth_method: METHOD };
const authentication = {
  client_secret_basic: () => oauth.ClientSecretBasic(CLIENT_SECRET),
  client_secret_post: () => oauth.ClientSecretPost(CLIENT_SECRET),
  none: () => oauth.None(),
}[METHOD]();

const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
const parameters = new URLSearchParams({
  client_id: CLIENT_ID, redirect_uri: REDIRECT, response_type: 'code', scope: 'openid orders:read bills:pay', state, nonce, resource: RESOURCE,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
});
parameters.append('resource', OTHER);
const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, insecure));
const back = await person(as.authorization_endpoint + '?' + new URLSearchParams({ client_id: CLIENT_ID, request_uri: pushed.request_uri }));
const answer = oauth.validateAuthResponse(as, client, back, state);
const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, answer, REDIRECT, verifier, insecure);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true });
await oauth.validateApplicationLevelSignature(as, response, insecure);

// The API's side: RFC 9068 and RFC 6750.
const call = new Request(RESOURCE + '/v1/orders', { headers: { Authorization: 'Bearer ' + tokens.access_token } });
const claims = await oauth.validateJwtAccessToken(as, call, RESOURCE, insecure);
assert.equal(claims.client_id, CLIENT_ID);
assert.equal(claims.scope, 'openid orders:read');

// The other API (RFC 8707, Section 2.2).
const other = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, { additionalParameters: { resource: OTHER }, ...insecure }));
const there = await oauth.validateJwtAccessToken(as, new Request(OTHER, { headers: { Authorization: 'Bearer ' + other.access_token } }), OTHER, insecure);
assert.equal(there.scope, 'openid bills:pay');

const subject = oauth.getValidatedIdTokenClaims(tokens).sub;
const info = await oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, tokens.access_token, insecure));
assert.equal(info.sub, 'user/ada');

const next = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, authentication, other.refresh_token, insecure));
if (METHOD !== 'none') {
  const found = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, next.access_token, insecure));
  assert.equal(found.active, true);
}
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, next.refresh_token, insecure));
await assert.rejects(
  async () => oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, next.access_token, insecure)),
  e => e instanceof oauth.WWWAuthenticateChallengeError && e.cause[0].parameters.error === 'invalid_token',
);
