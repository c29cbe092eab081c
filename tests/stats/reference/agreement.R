# Reference results for agreement, q-values, Firth and planning:  Rscript agreement.R agreement.json
# packages: psych, vcd, qvalue, pROC, brglm2, jsonlite
suppressMessages({ library(psych); library(vcd); library(pROC); library(qvalue); library(brglm2); library(survival) })
out <- list(R = R.version.string,
            versions = sapply(c("psych", "vcd", "qvalue", "pROC", "brglm2"), function(p) as.character(packageVersion(p))))
num <- as.numeric

# Shrout and Fleiss (1979), six targets, four judges
sf <- matrix(c(9,2,5,8, 6,1,3,2, 8,4,6,8, 7,1,2,6, 10,5,6,9, 6,2,4,7), ncol = 4, byrow = TRUE)
one <- function(x) { r <- ICC(x, lmer = FALSE)$results
  list(table = x, icc = num(r$ICC), f = num(r$F), df1 = num(r$df1), df2 = num(r$df2), p = num(r$p),
       lower = num(r[["lower bound"]]), upper = num(r[["upper bound"]])) }
set.seed(5); base <- rnorm(25)
three <- sapply(1:3, function(j) round(base + 0.3 * j + rnorm(25, sd = 0.6), 3))
out$icc <- list(shrout = one(sf), three = one(three))

# two raters: survival::lung, ECOG of the physician against the Karnofsky groups of the patient
l <- lung[!is.na(lung$ph.karno) & !is.na(lung$pat.karno), ]
cut3 <- function(x) cut(x, c(0, 70, 80, 100), labels = 1:3)
t2 <- table(cut3(l$ph.karno), cut3(l$pat.karno))
kap <- function(w) num(Kappa(t2, weights = w)$Weighted)
k0 <- Kappa(t2)$Unweighted
ck <- cohen.kappa(t2)
out$kappa <- list(table = matrix(num(t2), nrow = 3), unweighted = num(k0), linear = kap("Equal-Spacing"), quadratic = kap("Fleiss-Cohen"),
                  psych = list(kappa = ck$kappa, weighted = ck$weighted.kappa, var = ck$var.kappa, var_weighted = ck$var.weighted))

# q-values of 200 p-values, a third of which are small
set.seed(7); p <- c(rbeta(60, 0.3, 6), runif(140))
q <- qvalue(p, pi0.method = "bootstrap")
out$qvalue <- list(p = p, q = num(q$qvalues), pi0 = num(q$pi0))

# Obuchowski's sample sizes
out$auc <- lapply(list(c(0.7, 1), c(0.8, 1), c(0.7, 2), c(0.8, 3)), function(a) {
  r <- power.roc.test(auc = a[1], power = 0.9, sig.level = 0.05, kappa = a[2]); list(auc = a[1], ratio = a[2], cases = num(r$ncases)) })

# Heinze and Schemper's (2002) endometrial cancer data: NV separates
data(endometrial)
m <- glm(HG ~ NV + PI + EH, family = binomial, data = endometrial, method = "brglmFit", type = "AS_mean",
         control = list(epsilon = 1e-12, maxit = 1000))
out$firth <- list(data = as.list(endometrial), terms = names(coef(m)), coef = num(coef(m)), se = num(sqrt(diag(vcov(m)))))
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE), file = commandArgs(TRUE)[1])
