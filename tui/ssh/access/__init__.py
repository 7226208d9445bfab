"""Who may log in: lines of authorized_keys, certificates, revoked keys, bans."""
