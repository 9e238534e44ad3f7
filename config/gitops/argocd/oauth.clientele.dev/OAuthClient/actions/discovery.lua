local actions = {}
actions["check-again"] = { displayName = "Check again", iconClass = "fa fa-fw fa-sync" }
-- A public client has no secret.
actions["rotate-secret"] = { displayName = "Rotate the client secret", iconClass = "fa fa-fw fa-key", disabled = obj.spec.type == "Public" }
return actions
