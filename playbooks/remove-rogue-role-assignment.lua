-- SPDX-License-Identifier: Apache-2.0
-- Somebody granted rights that nobody asked for: remove every role assignment of that
-- principal within a scope.
local rbac = use "azure.rbac"

return playbook {
  name    = "remove-rogue-role-assignment",
  summary = "Remove a principal's role assignments within a scope",

  params = {
    principal = { "uuid", "object id of the principal" },
    scope     = { "string", "a subscription id, or the ARM id of what to look at" },
  },

  run = function(p, ctx)
    local grants = rbac.assignments { principal = p.principal, scope = p.scope }

    if #grants == 0 then
      ctx.note("there is nothing to remove")
      return
    end
    ctx.approve {
      title  = "Remove the role assignments of " .. p.principal,
      detail = "At or below " .. p.scope .. ": " .. #grants,
      from   = "change-managers", need = 1, within = "30m", on_timeout = "deny",
    }
    for _, grant in ipairs(grants) do
      rbac.remove { id = grant.id }
    end
  end,
}
