import os
import secrets
from urllib.parse import urlencode
from flask import Flask, redirect, request, session
import requests
app = Flask(__name__)

@app.route('/login')
def login():
    state = secrets.token_hex(16)
    session['oauth_state'] = state
    params = {
        'response_type': 'code',
        'client_id': os.environ['CLIENT_ID'],
        'redirect_uri': 'https://yourapp.com/callback',
        'scope': 'read:projects write:projects',
        'state': state
    }
    return redirect(f"https://auth.example.com/oauth/authorize?{urlencode(params)}")

@app.route('/callback')
def callback():
    if request.args.get('state') != session.get('oauth_state'):
        return 'State mismatch', 400
    response = requests.post('https://auth.example.com/oauth/token', data={
        'grant_type': 'authorization_code',
        'code': request.args.get('code'),
        'redirect_uri': 'https://yourapp.com/callback',
        'client_id': os.environ['CLIENT_ID'],
        'client_secret': os.environ['CLIENT_SECRET']
    })
    tokens = response.json()
    # Store tokens securely and create session
