-- SPDX-License-Identifier: Apache-2.0
-- What block-attacker-ip asks for, for each thing that it may meet.
local nsg = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shop"
            .. "/providers/Microsoft.Network/networkSecurityGroups/shop-nsg"
local shop = "../plugins/azure/sim/worlds/shop.json"

return {
  {
    name   = "all addresses are blocked in one rule, for a day when nothing else is said",
    params = { nsg = nsg, ips = { "203.0.113.7", "203.0.113.0/28" } },
    expect = { { "azure.nsg.block_ips", { id = nsg, ips = { "203.0.113.7", "203.0.113.0/28" },
                                          expires = "24h" } } },
  },
  {
    name   = "the block lasts as long as is said",
    params = { nsg = nsg, ips = { "2001:db8::7" }, expires = "2h" },
    expect = { { "azure.nsg.block_ips", { expires = "2h" } } },
  },
  {
    name   = "without addresses nothing is asked for, and that is an error",
    params = { nsg = nsg, ips = {} },
    expect = {},
    ends   = "failed",
  },
  {
    name    = "a block that is refused is an error, and is asked for once",
    params  = { nsg = nsg, ips = { "203.0.113.7" } },
    answers = { ["azure.nsg.block_ips"] = { error = { code = "SecurityRuleConflict",
                                                      message = "no free priority" } } },
    expect  = { "azure.nsg.block_ips" },
    ends    = "SecurityRuleConflict",
  },
  {
    name        = "rehearsed: the block goes before what lets customers in, and a rollback takes it off",
    world       = shop,
    params      = { nsg = nsg, ips = { "203.0.113.7", "203.0.113.44" } },
    rollback    = true,
    effects     = { "network.rule.put " .. nsg .. "/securityRules/*",
                    "network.rule.delete " .. nsg .. "/securityRules/*" },
  },
}
