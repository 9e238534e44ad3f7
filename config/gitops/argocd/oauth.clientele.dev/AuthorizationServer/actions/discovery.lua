local actions = {}
actions["check-again"] = { displayName = "Check again", iconClass = "fa fa-fw fa-sync" }
actions["rotate-signing-keys"] = { displayName = "Rotate the signing keys", iconClass = "fa fa-fw fa-key" }
return actions
