-- SPDX-License-Identifier: Apache-2.0
-- A secret has leaked: give it a new value and disable the old version. The new value is made
-- inside the plugin and goes straight into the vault; nobody here ever sees it.
local vault = use "azure.keyvault"

return playbook {
  name    = "rotate-exposed-secret",
  summary = "Replace the value of an exposed Key Vault secret and disable the old version",

  params = {
    vault  = { "string", "the vault's name" },
    secret = { "string", "the secret's name" },
  },

  run = function(p, ctx)
    local now = vault.get_secret_info { vault = p.vault, name = p.secret }

    ctx.approve {
      title  = "Rotate secret " .. p.secret .. " in vault " .. p.vault,
      detail = "Versions so far: " .. #now.versions .. ". Readers that pin the newest one stop "
               .. "working; those that ask for the latest get the new value.",
      from   = "change-managers", need = 2, within = "30m", on_timeout = "deny",
    }
    local done = vault.rotate_secret { vault = p.vault, name = p.secret }
    if done.result then
      ctx.note("the new version is " .. done.result.version)
    end
  end,
}
