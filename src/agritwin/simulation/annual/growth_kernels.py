"""Growth of the organs: respiration, conversion, partitioning, leaves by age (van Diepen et al. 1989)."""

import numba

from agritwin.simulation.annual import layout as at
from agritwin.simulation.annual.vector_kernels import FAST, clip, exponential


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def grow(w):
    """Respire, convert and share out the assimilates; rates of all organs."""
    for j in range(at.BLOCK):
        gross = w[at.GASS + j] * w[at.RFTRA + j]
        upkeep = (
            w[at.RMR + j] * w[at.WRT + j]
            + w[at.RML + j] * w[at.WLV + j]
            + w[at.RMS + j] * w[at.WST + j]
            + w[at.RMO + j] * w[at.WSO + j]
        )
        upkeep *= w[at.RFSE + j] * exponential(w[at.LNQ10 + j] * (w[at.TEMP + j] - 25.0) / 10.0)
        upkeep = min(gross, upkeep)
        roots = w[at.FR + j]
        cost = w[at.FL + j] / w[at.CVL + j] + w[at.FS + j] / w[at.CVS + j] + w[at.FO + j] / w[at.CVO + j]
        made = (gross - upkeep) / (cost * (1.0 - roots) + roots / w[at.CVR + j])
        w[at.GASS + j] = gross
        w[at.MRES + j] = upkeep
        w[at.DMI + j] = made
        w[at.RR + j] = min(w[at.RDM + j] - w[at.RD + j], w[at.RRI + j]) if roots != 0.0 else 0.0
        w[at.GRLV + j] = (1.0 - roots) * made * w[at.FL + j]
        thirst = w[at.WLV + j] * (1.0 - w[at.RFTRA + j]) * w[at.PERDL + j]
        critical = 3.2 / w[at.KDIF + j]
        crowding = w[at.WLV + j] * clip(0.03 * (w[at.LAI + j] - critical) / critical, 0.0, 0.03)
        w[at.DSLV + j] = max(thirst, crowding)
        above = max(0.0, w[at.TEMP + j] - w[at.TBASE + j])
        w[at.FYSAGE + j] = above / (35.0 - w[at.TBASE + j])
        young = w[at.LAIEXP + j] < 6.0
        most = w[at.LAIEXP + j] * w[at.RGRLAI + j] * above
        gained = min(most, w[at.GRLV + j] * w[at.SLA + j])
        w[at.GLAIEX + j] = most if young else 0.0
        w[at.SLAT + j] = gained / w[at.GRLV + j] if young & (w[at.GRLV + j] > 0.0) else w[at.SLA + j]


@numba.njit(error_model="numpy", forceinline=True)
def renew_leaves(w, day, leaves):
    """Let the oldest leaves die, and add the day's class; each member has a ring of classes, the newest at tomorrow."""
    tomorrow = (int(day) + 1) % at.CLASSES
    for j in range(at.BLOCK):
        w[at.DRLV + j] = 0.0
        if w[at.ALIVE + j] == 0.0 or w[at.ENDING + j] > 0.0:
            continue
        classes = int(w[at.NCLASS + j])
        slot = tomorrow - classes
        slot = slot + at.CLASSES if slot < 0 else slot
        age, span = w[at.LVAGE + j], w[at.SPAN + j]
        aged, k, here = 0.0, classes, slot
        while k > 0 and age - leaves[here, 2, j] > span:
            aged += leaves[here, 0, j]
            k -= 1
            here = here + 1 if here + 1 < at.CLASSES else 0
        dying = max(w[at.DSLV + j], aged)
        w[at.DRLV + j] = dying
        weight, area = w[at.WLV + j], w[at.LASUM + j]
        while classes > 0 and dying > 0.0:
            lost = min(dying, leaves[slot, 0, j])
            weight -= lost
            area -= lost * leaves[slot, 1, j]
            if dying < leaves[slot, 0, j]:
                leaves[slot, 0, j] -= lost
            else:
                classes -= 1
                slot = slot + 1 if slot + 1 < at.CLASSES else 0
            dying -= lost
        if (
            weight < 0.01 * w[at.WSUMMED + j]
        ):  # little is left: count it anew, or only the rounding of what died is left
            weight, area, here = 0.0, 0.0, slot
            for _ in range(classes):
                weight += leaves[here, 0, j]
                area += leaves[here, 0, j] * leaves[here, 1, j]
                here = here + 1 if here + 1 < at.CLASSES else 0
            w[at.WSUMMED + j] = weight
        w[at.LVAGE + j] = age + w[at.FYSAGE + j]
        leaves[tomorrow, 0, j] = w[at.GRLV + j]
        leaves[tomorrow, 1, j] = w[at.SLAT + j]
        leaves[tomorrow, 2, j] = w[at.LVAGE + j]
        w[at.NCLASS + j] = classes + 1.0
        w[at.WLV + j] = weight + w[at.GRLV + j]
        w[at.LASUM + j] = area + w[at.GRLV + j] * w[at.SLAT + j]
        w[at.WSUMMED + j] = max(w[at.WSUMMED + j], w[at.WLV + j])


@numba.njit(fastmath=FAST, error_model="numpy", forceinline=True)
def advance(w, day):
    """Integrate development, organs and roots; a stage that is passed ends the day on its very value."""
    for j in range(at.BLOCK):
        phase = w[at.PHASE + j]
        going = w[at.ENDING + j] == 0.0
        stands = going & (phase >= at.SOWN) & (phase < at.GONE)
        grows = (w[at.ALIVE + j] > 0.0) & going
        reached = w[at.DVS + j] + w[at.DVR + j]
        goal = 0.0 if phase == at.SOWN else (1.0 if phase == at.VEGETATIVE else w[at.DVSEND + j])
        passed = stands & (phase < at.RIPE) & (reached >= goal)
        w[at.DVS + j] = (goal if passed else reached) if stands & (phase < at.RIPE) else w[at.DVS + j]
        w[at.TSUM + j] += w[at.DTSUM + j] if stands else 0.0
        w[at.TSUME + j] += w[at.DTSUME + j] if stands else 0.0
        w[at.FLOWERING + j] = day + 1.0 if passed & (phase == at.VEGETATIVE) else w[at.FLOWERING + j]
        w[at.RIPENESS + j] = day + 1.0 if passed & (phase == at.REPRODUCTIVE) else w[at.RIPENESS + j]
        cooled = w[at.VERN + j] + (w[at.VERNRATE + j] if grows else 0.0)
        done = (cooled >= w[at.VERNSAT + j]) | (w[at.FORCED + j] > 0.0)
        w[at.VERN + j] = cooled
        w[at.VERNALISED + j] = 1.0 if done & grows & (phase == at.VEGETATIVE) else w[at.VERNALISED + j]
        w[at.PHASE + j] = (
            at.GONE if (phase >= at.SOWN) & (phase < at.GONE) & (not going) else (phase + 1.0 if passed else phase)
        )
        w[at.END_DAY + j] = day if (phase >= at.SOWN) & (phase < at.GONE) & (not going) else w[at.END_DAY + j]
        made = w[at.DMI + j] if grows else 0.0
        above = (1.0 - w[at.FR + j]) * made
        roots_lost = w[at.WRT + j] * w[at.RDRR + j] if grows else 0.0
        stems_lost = w[at.WST + j] * w[at.RDRS + j] if grows else 0.0
        w[at.WRT + j] += (w[at.FR + j] * made if grows else 0.0) - roots_lost
        w[at.DWRT + j] += roots_lost
        w[at.WST + j] += (above * w[at.FS + j] if grows else 0.0) - stems_lost
        w[at.DWST + j] += stems_lost
        w[at.WSO + j] += above * w[at.FO + j] if grows else 0.0
        w[at.DWLV + j] += w[at.DRLV + j]
        w[at.LAIEXP + j] += w[at.GLAIEX + j] if grows else 0.0
        w[at.RD + j] = (w[at.RD + j] + (w[at.RR + j] if grows else 0.0)) if stands else 0.0
        w[at.GASST + j] += w[at.GASS + j] if grows else 0.0
        w[at.MREST + j] += w[at.MRES + j] if grows else 0.0
        w[at.CTRAT + j] += w[at.TRA + j] if grows else 0.0
        w[at.CEVST + j] += w[at.EVS + j] if grows else 0.0
        w[at.EMERGED_DAYS + j] += 1.0 if grows else 0.0
