-- SPDX-License-Identifier: Apache-2.0
-- What rotate-exposed-secret asks for, for each thing that it may meet.
local params = { vault = "shop-kv", secret = "db-password" }
local which = { vault = "shop-kv", name = "db-password" }

local function secret(versions)
  return { id = "https://shop-kv.vault.azure.net/secrets/db-password", vault = "shop-kv",
           name = "db-password", version = "2", enabled = true, versions = versions }
end

local two = secret { { version = "2", enabled = true }, { version = "1", enabled = true } }

return {
  {
    name    = "two change managers approve, and then the secret gets a new value",
    params  = params,
    answers = {
      ["azure.keyvault.get_secret_info"] = two,
      ["azure.keyvault.rotate_secret"]   = { version = "3" },
    },
    expect  = {
      { "azure.keyvault.get_secret_info", which },
      { "approve", { title = "Rotate secret db-password in vault shop-kv", need = 2,
                     from = "change-managers", on_timeout = "deny",
                     detail = "Versions so far: 2. Readers that pin the newest one stop working;"
                              .. " those that ask for the latest get the new value." } },
      { "azure.keyvault.rotate_secret", which },
    },
  },
  {
    name    = "a denial changes nothing",
    params  = params,
    answers = { ["azure.keyvault.get_secret_info"] = two, approve = false },
    expect  = { "azure.keyvault.get_secret_info", "approve" },
    ends    = "denied",
  },
  {
    name    = "a secret that has no versions yet gets its first one",
    params  = params,
    answers = { ["azure.keyvault.get_secret_info"] = secret {} },
    expect  = { "azure.keyvault.get_secret_info", "approve", "azure.keyvault.rotate_secret" },
  },
  {
    name    = "a secret that is not there is an error, and nobody is asked",
    params  = params,
    answers = { ["azure.keyvault.get_secret_info"] = { error = { code = "SecretNotFound",
                                                                 message = "no" } } },
    expect  = { "azure.keyvault.get_secret_info" },
    ends    = "SecretNotFound",
  },
  {
    name    = "a rotation that is refused is an error, and is asked for once",
    params  = params,
    answers = {
      ["azure.keyvault.get_secret_info"] = two,
      ["azure.keyvault.rotate_secret"]   = { error = { code = "Forbidden", message = "no" } },
    },
    expect  = { "azure.keyvault.get_secret_info", "approve", "azure.keyvault.rotate_secret" },
    ends    = "Forbidden",
  },
  {
    name    = "rehearsed: one person's approval is not enough, and nothing is rotated",
    world   = "../plugins/azure/sim/worlds/shop.json",
    params  = params,
    ends    = "waiting",
    effects = {},
  },
}
