const express = require('express');
const crypto = require('crypto');
const app = express();
// Step 1: Redirect to authorization
app.get('/login', (req, res) => {
const state = crypto.randomBytes(16).toString('hex');
req.session.oauthState = state;
const params = new URLSearchParams({
response_type: 'code',
client_id: process.env.CLIENT_ID,
redirect_uri: 'https://yourapp.com/callback',
scope: 'read:projects write:projects',
state: state
});
res.redirect(`https://auth.example.com/oauth/authorize?${params}`);
});
// Step 2: Handle callback
app.get('/callback', async (req, res) => {
// Verify state
if (req.query.state !== req.session.oauthState) {
return res.status(400).send('State mismatch');
}
// Exchange code for tokens
const response = await fetch('https://auth.example.com/oauth/token', {
method: 'POST',
headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
body: new URLSearchParams({
grant_type: 'authorization_code',
code: req.query.code,
redirect_uri: 'https://yourapp.com/callback',
client_id: process.env.CLIENT_ID,
client_secret: process.env.CLIENT_SECRET
})
});
const tokens = await response.json();
// Store tokens securely and create session
});
