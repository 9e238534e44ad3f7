local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["oauth.clientele.dev/check-again"] = os.date("!%Y-%m-%dT%XZ")
return obj
