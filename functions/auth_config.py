"""Who may say who somebody is: the school's own login. Put another provider here to use a login service instead."""

from functions.login_key import AUDIENCE, ISSUER, public_keys

providers = [
    {
        "type": "customJwt",
        "issuer": ISSUER,
        "applicationID": AUDIENCE,
        "jwks": public_keys(),
        "algorithm": "ES256",
    },
]
